/**
 * What keeps a collector from its work, in the one vocabulary of flags, plan files, terms and reports: `stall:50ms` (it stands
 * still, once), `quota:20%` (its thread gets so much of one CPU). Both are of the section alone.
 */
import type { VariantDefinition } from '../backend.ts';
import { usageError } from '../errors.ts';
import { formatShare } from '../notation.ts';
import { parseDurationMs, parseShare } from '../quantity.ts';
import type { Starvation, TrialSpec } from '../result.ts';

/** A section is bounded to some seconds; a collector that stands for longer is dead. */
const LONGEST_STALL_MS = 10_000;
/** The kernel gives 1 ms at the least, so smaller shares come in ever longer periods. */
const LEAST_SHARE = 0.01;
/** After so many calls the collector is at work, and not many of a short section are over. */
const STALL_AFTER = 1000;
const STALL_AFTER_SHARE = 0.1;

export function parseStarvation(text: string, what: string): Starvation {
  const [kind, value = '', ...rest] = text.trim().split(':');
  if (rest.length === 0 && kind === 'stall') {
    const ms = parseDurationMs(value, `${what} stall`);
    if (ms <= LONGEST_STALL_MS) return { kind, ms };
  }
  if (rest.length === 0 && kind === 'quota') {
    const share = parseShare(value, `${what} quota`);
    if (share >= LEAST_SHARE) return { kind, share };
  }
  throw usageError(
    `${what}: '${text}' is no way to starve a collector`,
    `write stall:50ms (up to ${LONGEST_STALL_MS / 1000} s) or quota:20% (of one CPU, from ${formatShare(LEAST_SHARE)})`,
  );
}

type Starved = Pick<TrialSpec, 'stallMs' | 'stallAfterCalls' | 'cpuQuota'>;

/** Of a trial's specification; null: a collector that is let work. */
export function starvationOf({ stallMs, cpuQuota }: Pick<Starved, 'stallMs' | 'cpuQuota'>): Starvation | null {
  if (stallMs > 0) return { kind: 'stall', ms: stallMs };
  return cpuQuota === undefined ? null : { kind: 'quota', share: cpuQuota };
}

/** What of a trial's specification says so. */
export function starvedTrial(starvation: Starvation | null, calls: number): Starved {
  if (starvation === null) return { stallMs: 0, stallAfterCalls: 0 };
  if (starvation.kind === 'quota') return { stallMs: 0, stallAfterCalls: 0, cpuQuota: starvation.share };
  return { stallMs: starvation.ms, stallAfterCalls: Math.min(STALL_AFTER, Math.floor(calls * STALL_AFTER_SHARE)) };
}

/** Why nobody starves a variant's collector; null where it can be. */
export function cannotStarve({ capabilities, tool }: VariantDefinition): string | null {
  if (tool !== undefined) return 'it is a whole tool';
  return capabilities.delivers === 'records' ? null : 'it delivers no records that anybody would be late to read';
}
