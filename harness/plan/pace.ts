/**
 * When an open loop's calls are due, in the words of flags, plan files, cells and tables: `10k` is ten thousand calls a
 * second, evenly spaced; `1000/10ms` is a thousand calls at full speed every ten milliseconds.
 */
import { TracebenchError, usageError } from '../errors.ts';
import { parseDurationMs } from '../quantity.ts';

export interface Pace {
  /** Stamped calls a second over all threads, on average. */
  readonly ratePerS: number;
  /** Calls due at once; 1: evenly spaced. */
  readonly burstCalls: number;
}

/** What the workloads take (workloads/workload.h, options.c). */
const MOST_PER_S = 10_000_000;
const LONGEST_INTERVAL_MS = 30_000;

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6 };

/** `100`, `10k`, `1.5M`: calls a second. Throws a usage error. */
export function parseRate(text: string, what: string): Pace {
  const ratePerS = countOf(text);
  if (ratePerS === null || ratePerS > MOST_PER_S) {
    throw usageError(
      `${what}: '${text}' is not a rate of 1 to ${MOST_PER_S} calls a second`,
      'write whole calls a second, for example 500, 10k or 1.5M',
    );
  }
  return { ratePerS, burstCalls: 1 };
}

/** `1000/10ms`: calls, and from the beginning of one burst to that of the next. Throws a usage error. */
export function parseBurst(text: string, what: string): Pace {
  const [number = '', interval = '', ...rest] = text.trim().split('/');
  const burstCalls = countOf(number);
  const intervalMs = rest.length === 0 ? msOf(interval, what) : null;
  const ratePerS = burstCalls === null || intervalMs === null ? 0 : Math.round((burstCalls * 1000) / intervalMs);
  if (burstCalls === null || burstCalls < 2 || intervalMs === null || intervalMs > LONGEST_INTERVAL_MS) {
    throw usageError(
      `${what}: '${text}' is not a number of calls and the time from one burst to the next (at most 30 s)`,
      'write for example 1000/10ms: a thousand calls at full speed, every ten milliseconds',
    );
  }
  if (ratePerS < 1 || ratePerS > MOST_PER_S) {
    throw usageError(
      `${what}: '${text}' is ${ratePerS} calls a second on average, not 1 to ${MOST_PER_S}`,
      'give fewer calls or more time between bursts',
    );
  }
  return { ratePerS, burstCalls };
}

/** `1M:100ms`: calls a second while a burst lasts, and how long that is. Throws a usage error. */
export function parsePeak(text: string, what: string): { readonly peakPerS: number; readonly durationMs: number } {
  const [rate = '', duration = '', ...rest] = text.trim().split(':');
  const peakPerS = countOf(rate);
  const durationMs = rest.length === 0 ? msOf(duration, what) : null;
  if (peakPerS === null || durationMs === null) {
    throw usageError(
      `${what}: '${text}' is not a rate and how long it lasts`,
      'write for example 1M:100ms: a million calls a second for a tenth of a second',
    );
  }
  return { peakPerS, durationMs };
}

/** A whole number above zero; null for anything else. */
function countOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text.trim());
  const value = match ? Number((Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN)).toPrecision(12)) : 0;
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

function msOf(text: string, what: string): number | null {
  try {
    return parseDurationMs(text, what);
  } catch (error) {
    if (error instanceof TracebenchError) return null;
    throw error;
  }
}

/** Milliseconds from the beginning of one burst (or evenly spaced call) to that of the next. */
export function intervalMs({ ratePerS, burstCalls }: Pace): number {
  return (burstCalls * 1000) / ratePerS;
}

/** As it is typed: `10k`, `1000/10ms`. */
export function paceText(pace: Pace): string {
  return pace.burstCalls === 1
    ? countText(pace.ratePerS)
    : `${countText(pace.burstCalls)}/${Number(intervalMs(pace).toFixed(3))}ms`;
}

/** As it is shown: a rate has its unit. */
export function paceLabel(pace: Pace): string {
  return pace.burstCalls === 1 ? `${paceText(pace)}/s` : paceText(pace);
}

function countText(value: number): string {
  if (value >= 1e6 && value % 1e4 === 0) return `${value / 1e6}M`;
  if (value >= 1e3 && value % 10 === 0) return `${value / 1e3}k`;
  return String(value);
}
