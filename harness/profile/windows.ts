/**
 * Readings of a running total → windows, and what they say of a load: its spread and its peaks. Pure.
 *
 * A window is what lies between two readings, with the time that it really took: the reader may have been late. No rate is
 * made of the time that was asked for.
 */
import { quantileSorted, sorted } from '../statistics/describe.ts';

export interface Readings {
  readonly atNs: readonly number[];
  readonly calls: readonly number[];
}

export interface Window {
  /** From the first window's beginning. */
  readonly atNs: number;
  readonly lengthNs: number;
  readonly calls: number;
}

export interface Peak {
  /** Asked for. */
  readonly widthNs: number;
  /** Had: as near to it as whole windows come, from 0.9 to 1.25 of it. */
  readonly lengthNs: number;
  readonly calls: number;
  readonly perS: number;
  readonly atNs: number;
}

export interface Spread {
  readonly windows: number;
  readonly p5PerS: number;
  readonly medianPerS: number;
  readonly p95PerS: number;
}

/** Longer than this share of what was asked, and a window is late: its peak may have been flattened. */
export const LATE = 1.25;
/** Shorter, and it is what a late one left of the time until the next reading. */
const SHORT = 0.9;

const STEPS = [1, 2, 5];

export function windowsOf({ atNs, calls }: Readings): Window[] {
  const begin = atNs[0] ?? 0;
  return atNs.slice(1).map((at, i) => ({
    atNs: (atNs[i] ?? 0) - begin,
    lengthNs: at - (atNs[i] ?? 0),
    calls: (calls[i + 1] ?? 0) - (calls[i] ?? 0),
  }));
}

/**
 * Those of a command that ran for durationNs: its first call is in the first of them. What lies before is the wait at the
 * gate, what lies after is the end of its recording; there are no calls in either, else they stay.
 */
export function whileItRan(windows: readonly Window[], durationNs: number): Window[] {
  const first = windows.findIndex(({ calls }) => calls > 0);
  if (first < 0) return [...windows];
  const begin = windows[first]?.atNs ?? 0;
  let after = windows.findLastIndex(({ calls, atNs }) => calls > 0 || atNs < begin + durationNs);
  after = Math.max(after, first) + 1;
  return windows.slice(first, after).map((window) => ({ ...window, atNs: window.atNs - begin }));
}

export function isLate({ lengthNs }: Window, askedNs: number): boolean {
  return lengthNs > LATE * askedNs;
}

/** Of the windows that are neither late nor what is left behind a late one; null where there are none. */
export function spreadOf(windows: readonly Window[], askedNs: number): Spread | null {
  const rates = windows
    .filter((window) => !isLate(window, askedNs) && window.lengthNs >= SHORT * askedNs)
    .map(({ calls, lengthNs }) => (calls * 1e9) / lengthNs);
  if (rates.length === 0) return null;
  const ascending = sorted(rates);
  return {
    windows: rates.length,
    p5PerS: quantileSorted(ascending, 0.05),
    medianPerS: quantileSorted(ascending, 0.5),
    p95PerS: quantileSorted(ascending, 0.95),
  };
}

/**
 * The highest rate of any run of neighbouring windows that takes about widthNs; null where none does. Ties: the first. Of
 * calls that all fell into one moment the shorter run says more a second, by a ninth at most: too much rather than too little.
 */
export function peakOver(windows: readonly Window[], widthNs: number): Peak | null {
  let best: Peak | null = null;
  let end = 0;
  let lengthNs = 0;
  let calls = 0;
  for (const window of windows) {
    for (let next = windows[end]; next !== undefined; next = windows[end]) {
      if (lengthNs > 0 && Math.abs(lengthNs + next.lengthNs - widthNs) >= Math.abs(lengthNs - widthNs)) break;
      lengthNs += next.lengthNs;
      calls += next.calls;
      end++;
    }
    if (lengthNs < SHORT * widthNs && end === windows.length) break;
    const fits = lengthNs >= SHORT * widthNs && lengthNs <= LATE * widthNs;
    const perS = (calls * 1e9) / lengthNs;
    if (fits && (best === null || perS > best.perS)) {
      best = { widthNs, lengthNs, calls, perS, atNs: window.atNs };
    }
    lengthNs -= window.lengthNs;
    calls -= window.calls;
  }
  return best;
}

/** Peaks over 1, 2, 5, 10 … windows, as far as at least two of each fit into the recording. */
export function peaksOf(windows: readonly Window[], askedNs: number): Peak[] {
  const wholeNs = windows.reduce((sum, { lengthNs }) => sum + lengthNs, 0);
  const peaks: Peak[] = [];
  for (let decade = 1; decade * askedNs <= wholeNs / 2; decade *= 10) {
    for (const step of STEPS) {
      const widthNs = step * decade * askedNs;
      const peak = widthNs <= wholeNs / 2 ? peakOver(windows, widthNs) : null;
      if (peak !== null) peaks.push(peak);
    }
  }
  return peaks;
}

/**
 * The peak that a buffer must be made for: the one with the most calls beyond what the average would have brought in its
 * time, which is what a collector that just keeps up with the average has waiting. null: the load has no such peak.
 */
export function burstOf(peaks: readonly Peak[], meanPerS: number): Peak | null {
  const beyond = ({ perS, widthNs }: Peak): number => ((perS - meanPerS) * widthNs) / 1e9;
  let best: Peak | null = null;
  for (const peak of peaks) if (beyond(peak) > (best === null ? 0 : beyond(best))) best = peak;
  return best;
}
