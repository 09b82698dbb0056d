/** The table of `trace -c`. */
import { archName, NATIVE_ARCH } from '../syscalls/index.ts';
import type { CallTally, Tally } from './tally.ts';

const WIDTH = 9;
const cell = (value: number | string): string => String(value).padStart(WIDTH);
const blankZero = (value: number): number | string => (value === 0 ? '' : value);

/** `getpid`, `[i386] getpid`. */
export function callLabel(entry: CallTally): string {
  return entry.arch === NATIVE_ARCH ? entry.name : `[${archName(entry.arch)}] ${entry.name}`;
}

/**
 * Columns calls, errors, restarts, syscall; a line `total`; then what stands apart, each on a line of its own. Ends in
 * a newline. `-` among the errors: the variant delivers no return values.
 */
export function renderSummary(tally: Tally): string {
  const rule = `${'-'.repeat(WIDTH)} ${'-'.repeat(WIDTH)} ${'-'.repeat(WIDTH)} ----------------`;
  const lines = [`${cell('calls')} ${cell('errors')} ${cell('restarts')} syscall`, rule];
  let errors: number | null = 0;
  let restarts = 0;
  for (const entry of tally.entries) {
    restarts += entry.restarts;
    errors = errors === null || entry.errors === null ? null : errors + entry.errors;
    if (entry.calls === 0) continue;
    const shownErrors = entry.errors === null ? '-' : blankZero(entry.errors);
    lines.push(`${cell(entry.calls)} ${cell(shownErrors)} ${cell(blankZero(entry.restarts))} ${callLabel(entry)}`);
  }
  lines.push(rule, `${cell(tally.calls)} ${cell(errors ?? '-')} ${cell(blankZero(restarts))} total`);
  if (tally.restartSyscalls > 0) lines.push(`restart_syscall: ${tally.restartSyscalls}`);
  if (tally.births > 0) lines.push(`births: ${tally.births}`);
  if (tally.refused > 0) lines.push(`refused by seccomp: ${apart(tally, (e) => e.refused)}`);
  if (tally.killed > 0) lines.push(`killed before they entered: ${apart(tally, (e) => e.killed)}`);
  return `${lines.join('\n')}\n`;
}

/** `3 (read 2, getppid 1)`. */
function apart({ entries }: Tally, amount: (entry: CallTally) => number): string {
  const some = entries.filter((e) => amount(e) > 0);
  const total = some.reduce((sum, e) => sum + amount(e), 0);
  return `${total} (${some.map((e) => `${callLabel(e)} ${amount(e)}`).join(', ')})`;
}
