/**
 * strace's summary in our own counting, for holding the two against each other. What differs by definition is
 * classified; what is left over is a finding.
 */
import { ARCH } from '../event.ts';
import { findSyscallNumber, NATIVE_ARCH } from '../syscalls/index.ts';
import type { CallTally, Tally } from './tally.ts';

/**
 * Why the two count differently:
 *   no-return        strace -c counts a call when it returns; exit, exit_group and calls of dying threads never do
 *   refused          strace sees calls that seccomp refuses; here they stand beside the calls
 *   restart          strace counts −512…−516 among the errors
 *   restart-syscall  ptrace makes threads call restart_syscall more often than they would untraced
 *   unknown-number   strace -c leaves out numbers it has no name for
 *   unexplained      none of these
 */
export type DifferenceClass =
  | 'no-return'
  | 'refused'
  | 'restart'
  | 'restart-syscall'
  | 'unknown-number'
  | 'unexplained';

export interface Difference {
  readonly name: string;
  readonly arch: number;
  readonly what: 'calls' | 'errors';
  readonly ours: number;
  readonly strace: number;
  /** The parts of ours − strace, by class; they add up to it. */
  readonly parts: readonly { readonly class: DifferenceClass; readonly count: number }[];
}

/** Columns of strace's table that may hold nothing; the name never does. */
interface Columns {
  readonly names: readonly string[];
  readonly ranges: readonly (readonly [number, number])[];
}

function readColumns(header: string, rule: string): Columns {
  const ranges = [...rule.matchAll(/-+/g)].map((m) => [m.index, m.index + m[0].length] as const);
  const last = ranges.length - 1;
  return {
    names: ranges.map(([from, to], i) => header.slice(from, i === last ? undefined : to).trim()),
    ranges,
  };
}

function cellOf(line: string, columns: Columns, name: string): string {
  const range = columns.ranges[columns.names.indexOf(name)];
  return range === undefined ? '' : line.slice(range[0], range[1]).trim();
}

/**
 * Reads the output of `strace -f -c -U name,calls,errors` (the order of columns is free; others are ignored), with the
 * further table that strace prints for 32-bit calls. Throws Error when there is no table in it.
 */
export function parseStraceSummary(text: string): Tally {
  const entries: CallTally[] = [];
  let restartSyscalls = 0;
  let arch = NATIVE_ARCH;
  let columns: Columns | null = null;
  let tables = 0;
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (/^System call usage summary for 32 bit mode/.test(line)) {
      arch = NATIVE_ARCH === ARCH.aarch64 ? ARCH.arm : ARCH.i386;
      columns = null;
    } else if (/^-+( -+)+\s*$/.test(line)) {
      if (columns !== null) {
        // The second rule of a table: what follows is its total.
        columns = null;
      } else if (/\bsyscall\b/.test(lines[i - 1] ?? '')) {
        columns = readColumns(lines[i - 1] as string, line);
        tables++;
      }
    } else if (columns !== null && line.trim() !== '') {
      const name = cellOf(line, columns, 'syscall');
      const calls = Number(cellOf(line, columns, 'calls'));
      const errors = Number(cellOf(line, columns, 'errors'));
      if (name === 'restart_syscall') {
        restartSyscalls += calls;
        continue;
      }
      const nr = findSyscallNumber(name, arch);
      entries.push({ arch, nr: nr ?? -1, name, calls, errors, restarts: 0, noReturn: 0, refused: 0, killed: 0 });
    }
  }
  if (tables === 0) throw new Error(`no summary of strace in: ${text.slice(0, 200)}`);
  return {
    entries,
    calls: entries.reduce((sum, e) => sum + e.calls, 0),
    births: 0,
    refused: 0,
    killed: 0,
    restartSyscalls,
  };
}

type Parts = { class: DifferenceClass; count: number }[];

/** What is left of a difference after the explained parts. */
function withRest(difference: number, explained: Parts): Parts {
  const parts = explained.filter((p) => p.count !== 0);
  const rest = difference - parts.reduce((sum, p) => sum + p.count, 0);
  return rest === 0 ? parts : [...parts, { class: 'unexplained', count: rest }];
}

/**
 * All calls in which the two differ, with the reasons. `ours` must carry return values where errors are to be
 * compared (null is skipped). Two runs of one command are compared, so the command must do the same each time.
 */
export function compareWithStrace(ours: Tally, strace: Tally): Difference[] {
  const differences: Difference[] = [];
  const key = (e: { arch: number; name: string }): string => `${e.arch}/${e.name}`;
  const theirs = new Map(strace.entries.map((e) => [key(e), e]));
  for (const mine of ours.entries) {
    const other = theirs.get(key(mine));
    theirs.delete(key(mine));
    const base = { name: mine.name, arch: mine.arch };
    const otherCalls = other?.calls ?? 0;
    if (mine.calls !== otherCalls) {
      // Without a name in strace's table the call may be one that strace has no name for: those newer than 450.
      const unnamed = other === undefined && (mine.nr > 450 || mine.name.startsWith('syscall_0x'));
      const explained: Parts = unnamed
        ? [{ class: 'unknown-number', count: mine.calls }]
        : [
            { class: 'no-return', count: mine.noReturn },
            { class: 'refused', count: -mine.refused },
          ];
      const parts = withRest(mine.calls - otherCalls, explained);
      differences.push({ ...base, what: 'calls', ours: mine.calls, strace: otherCalls, parts });
    }
    const otherErrors = other?.errors ?? 0;
    if (other !== undefined && mine.errors !== null && mine.errors !== otherErrors) {
      const explained: Parts = [{ class: 'restart', count: -mine.restarts }];
      // A refused call returns an error (or the 0 that its filter chose): at most as many errors as refusals.
      const beyond = mine.errors - otherErrors + mine.restarts;
      if (beyond < 0) explained.push({ class: 'refused', count: -Math.min(mine.refused, -beyond) });
      const parts = withRest(mine.errors - otherErrors, explained);
      differences.push({ ...base, what: 'errors', ours: mine.errors, strace: otherErrors, parts });
    }
  }
  for (const other of theirs.values()) {
    const parts: Parts = [{ class: 'unexplained', count: -other.calls }];
    differences.push({ name: other.name, arch: other.arch, what: 'calls', ours: 0, strace: other.calls, parts });
  }
  if (ours.restartSyscalls !== strace.restartSyscalls) {
    const count = ours.restartSyscalls - strace.restartSyscalls;
    differences.push({
      name: 'restart_syscall',
      arch: NATIVE_ARCH,
      what: 'calls',
      ours: ours.restartSyscalls,
      strace: strace.restartSyscalls,
      parts: [{ class: 'restart-syscall', count }],
    });
  }
  return differences;
}

/** Those with a part that no class explains. */
export function unexplained(differences: readonly Difference[]): Difference[] {
  return differences.filter((d) => d.parts.some((p) => p.class === 'unexplained'));
}
