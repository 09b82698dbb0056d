/**
 * Counting of calls, normalised: births are no calls, restart_syscall and refusals stand apart, a restart is no error.
 * One way of counting for `trace -c`, for comparisons with other tools and for the tests.
 */
import {
  ARCH,
  type EventBatch,
  type EventRecord,
  FLAG,
  isRestart,
  KIND,
  RECORD_BYTES,
  RECORD_OFFSETS,
} from '../event.ts';
import { findSyscallNumber, NATIVE_ARCH, syscallName } from '../syscalls/index.ts';

export interface CallTally {
  readonly arch: number;
  readonly nr: number;
  readonly name: string;
  readonly calls: number;
  /** null: the variant does not deliver return values. */
  readonly errors: number | null;
  /** Of the calls: those that returned −512…−516. */
  readonly restarts: number;
  /** Of the calls: those that never returned (exit, threads that died inside). */
  readonly noReturn: number;
  /** Beside the calls: attempts that seccomp refused. */
  readonly refused: number;
  /** Beside the calls: attempts whose thread was killed where a tracer had stopped it, before it entered. */
  readonly killed: number;
}

export interface Tally {
  /** Most calls first, then by name. Without restart_syscall. */
  readonly entries: readonly CallTally[];
  /** Sum of the entries' calls. */
  readonly calls: number;
  readonly births: number;
  readonly refused: number;
  readonly killed: number;
  /** Calls of restart_syscall, which the kernel makes threads make. */
  readonly restartSyscalls: number;
}

interface Cell {
  arch: number;
  nr: number;
  calls: number;
  errors: number;
  restarts: number;
  noReturn: number;
  refused: number;
  killed: number;
  returns: number;
}

const WORDS = RECORD_BYTES / 4;
const NR = RECORD_OFFSETS.nr / 4;
const ARCH_WORD = RECORD_OFFSETS.arch / 4;
const KIND_WORD = RECORD_OFFSETS.cpu / 4;
const FLAGS = RECORD_OFFSETS.flags / 4;
const RET_LOW = RECORD_OFFSETS.ret / 4;

/** −4095 and −516, −512 as the low word of a negative return. */
const ERROR_LOW = 2 ** 32 - 4095;
const RESTART_LOW = 2 ** 32 - 516;
const RESTART_HIGH = 2 ** 32 - 512;

const RESTART_SYSCALL: ReadonlyMap<number, number> = new Map(
  Object.values(ARCH).flatMap((arch) => {
    const nr = findSyscallNumber('restart_syscall', arch);
    return nr === undefined ? [] : [[arch, nr] as const];
  }),
);

/** Counts batches without decoding records, and single decoded records alike. */
export class TallyCounter {
  readonly #cells = new Map<number, Map<number, Cell>>();
  #births = 0;

  #cell(arch: number, nr: number): Cell {
    let ofArch = this.#cells.get(arch);
    if (ofArch === undefined) {
      ofArch = new Map();
      this.#cells.set(arch, ofArch);
    }
    let cell = ofArch.get(nr);
    if (cell === undefined) {
      cell = { arch, nr, calls: 0, errors: 0, restarts: 0, noReturn: 0, refused: 0, killed: 0, returns: 0 };
      ofArch.set(nr, cell);
    }
    return cell;
  }

  addBatch(batch: EventBatch): void {
    const u32 = batch.u32;
    for (let at = 0; at < batch.count * WORDS; at += WORDS) {
      const kind = ((u32[at + KIND_WORD] as number) >>> 16) & 0xff;
      if (kind === KIND.birth) {
        this.#births++;
        continue;
      }
      const cell = this.#cell(u32[at + ARCH_WORD] as number, (u32[at + NR] as number) | 0);
      const flags = u32[at + FLAGS] as number;
      if (kind === KIND.refused) {
        if (flags & FLAG.noReturn) cell.killed++;
        else cell.refused++;
        continue;
      }
      cell.calls++;
      if (flags & FLAG.noReturn) cell.noReturn++;
      if ((flags & FLAG.ret) === 0) continue;
      cell.returns++;
      const low = u32[at + RET_LOW] as number;
      if (u32[at + RET_LOW + 1] !== 0xffffffff || low < ERROR_LOW) continue;
      if (low >= RESTART_LOW && low <= RESTART_HIGH) cell.restarts++;
      else cell.errors++;
    }
  }

  addRecord(record: EventRecord): void {
    if (record.kind === 'birth') {
      this.#births++;
      return;
    }
    const cell = this.#cell(record.arch, record.nr);
    if (record.kind === 'refused') {
      if (record.noReturn) cell.killed++;
      else cell.refused++;
      return;
    }
    cell.calls++;
    if (record.noReturn) cell.noReturn++;
    if (record.ret === null) return;
    cell.returns++;
    if (isRestart(record.ret)) cell.restarts++;
    else if (record.ret < 0n && record.ret >= -4095n) cell.errors++;
  }

  /** Counts without returns, as variants that deliver counts give them. */
  addCount(arch: number, nr: number, calls: number): void {
    this.#cell(arch, nr).calls += calls;
  }

  result(): Tally {
    const entries: CallTally[] = [];
    let restartSyscalls = 0;
    for (const cell of [...this.#cells.values()].flatMap((ofArch) => [...ofArch.values()])) {
      if (RESTART_SYSCALL.get(cell.arch) === cell.nr) {
        restartSyscalls += cell.calls;
        continue;
      }
      const { returns, ...counts } = cell;
      // A call that never returned says nothing about whether returns are delivered.
      const errors = returns > 0 || cell.noReturn === cell.calls ? cell.errors : null;
      entries.push({ ...counts, errors, name: syscallName(cell.arch, cell.nr) });
    }
    entries.sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.arch - b.arch));
    return {
      entries,
      calls: entries.reduce((sum, e) => sum + e.calls, 0),
      births: this.#births,
      refused: entries.reduce((sum, e) => sum + e.refused, 0),
      killed: entries.reduce((sum, e) => sum + e.killed, 0),
      restartSyscalls,
    };
  }
}

export function tally(records: Iterable<EventRecord>): Tally {
  const counter = new TallyCounter();
  for (const record of records) counter.addRecord(record);
  return counter.result();
}

/** The table of a variant that delivers counts: native numbers. */
export function tallyCounts(counts: Iterable<{ readonly nr: number; readonly count: number }>): Tally {
  const counter = new TallyCounter();
  for (const { nr, count } of counts) counter.addCount(NATIVE_ARCH, nr, count);
  return counter.result();
}
