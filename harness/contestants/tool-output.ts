/** A tool's text as calls: which numbers how often, which stamps, and what it says it lost. */
import type { Contestant, ToolLoss, ToolOutput } from '../../backends/external/contestant.ts';
import { StampBook } from './stamp-book.ts';

/** The truth of a stamped workload, by which its calls are known. */
export interface StampedTruth {
  readonly lanes: readonly number[];
  readonly kinds: readonly { readonly nr: number; readonly class: 'stamped' | 'counted'; readonly stampArg: number }[];
}

export interface ToolCalls {
  /** By system call number, over all the tool saw. */
  readonly calls: ReadonlyMap<number, number>;
  readonly stamps: StampBook;
  /** Distinct stamps by kind, in the truth's order. */
  readonly kindDelivered: readonly number[];
  /** Calls of stamped kinds that carry no stamp: the warm-up's. */
  readonly unstamped: number;
}

const UPPER_HEX_DIGITS = 8;

/** Upper half of a stamp printed in hexadecimal digits. */
function upperOfHex(text: string): number {
  return text.length <= UPPER_HEX_DIGITS ? 0 : Number.parseInt(text.slice(0, -UPPER_HEX_DIGITS), 16);
}

/** Of one printed as a signed 64-bit number. */
function upperOfDecimal(text: string): number {
  return Number(BigInt.asUintN(64, BigInt(text)) >> 32n);
}

const WORD = (1n << 64n) - 1n;
/** tb_stamp__hash of native/include/control.h, for register 5, which every stamped call fills with it. */
const HASH_REGISTER = 5;
const HASH_SEED = (0x9e3779b97f4a7c15n * BigInt(HASH_REGISTER + 1)) & WORD;
const HASH_FACTOR = 0xbf58476d1ce4e5b9n;

function hashOf(stamp: string): string {
  return (((BigInt(`0x${stamp}`) ^ HASH_SEED) * HASH_FACTOR) & WORD).toString(16);
}

/**
 * Whether a call whose registers are shown is one of the workload's loop. The marks, and what loader and libc do, are of the
 * same numbers and have whatever was left in the registers where stamps are.
 */
function isOfTheLoop(stamp: string, shown: string | undefined): boolean {
  return shown === undefined || shown === hashOf(stamp);
}

/** Reads every line once. `numberOf`: of a call's name; undefined for a word that is none, such as a table's heading. */
export function readCalls(
  lines: Iterable<string>,
  { line: pattern, base }: ToolOutput,
  covers: Contestant['covers'],
  truth: StampedTruth,
  numberOf: (name: string) => number | undefined,
): ToolCalls {
  const calls = new Map<number, number>();
  const stamps = new StampBook(truth.lanes);
  const kindDelivered = truth.kinds.map(() => 0);
  const kindOf = new Map(truth.kinds.map(({ nr, class: of }, i) => [nr, of === 'stamped' ? i : -1] as const));
  const upperOf = base === 16 ? upperOfHex : upperOfDecimal;
  let unstamped = 0;
  for (const text of lines) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const groups = found.groups ?? {};
    const name = groups['name'] ?? covers?.[0];
    const nr = groups['nr'] !== undefined ? Number(groups['nr']) : name === undefined ? undefined : numberOf(name);
    if (nr === undefined) continue;
    calls.set(nr, (calls.get(nr) ?? 0) + (groups['count'] === undefined ? 1 : Number(groups['count'])));
    const kind = kindOf.get(nr) ?? -1;
    if (kind < 0) continue;
    /* An argument that is left out is 0. */
    const stamp = groups[`a${truth.kinds[kind]?.stampArg}`] ?? '0';
    if (base === 16 && !isOfTheLoop(stamp, groups[`a${HASH_REGISTER}`])) continue;
    if (/^0+$/.test(stamp)) unstamped++;
    else if (stamps.note(upperOf(stamp))) kindDelivered[kind] = (kindDelivered[kind] ?? 0) + 1;
  }
  return { calls, stamps, kindDelivered, unstamped };
}

/** The sum of what all matches of a loss's line say. */
export function readLoss(lines: Iterable<string>, { line }: Pick<ToolLoss, 'line'>): number {
  let lost = 0;
  const all = new RegExp(line.source, `${line.flags.replace('m', '')}g`);
  for (const text of lines) {
    for (const found of text.matchAll(all)) lost += Number(found.groups?.['lost'] ?? 0);
  }
  return lost;
}
