import type { Interval } from '../result.ts';
import { binomialCdf } from './binomial.ts';
import { medianSorted, sorted } from './describe.ts';

/** Below this there is no interval: with 5 rounds even [min, max] covers the median only 93.75 % of the time. */
export const MIN_ROUNDS = 6;

/**
 * Which order statistics bound the median: the interval [x(rank), x(n + 1 − rank)], 1-based, is the smallest symmetric
 * one whose coverage, 1 − 2·P(Binomial(n, ½) < rank), is at least `confidence`. null when even [min, max] falls short.
 */
export function orderRank(n: number, confidence = 0.95): { rank: number; coverage: number } | null {
  let found: { rank: number; coverage: number } | null = null;
  for (let rank = 1; rank <= n >> 1; rank++) {
    const coverage = 1 - 2 * binomialCdf(rank - 1, n);
    if (coverage < confidence) break;
    found = { rank, coverage };
  }
  return found;
}

/**
 * Median with its order-statistic (sign-test) interval: free of any assumption but that the values are independent
 * draws of one distribution. low and high are null, and method `none`, when there are too few values. Throws
 * RangeError on an empty list.
 */
export function orderInterval(values: readonly number[], confidence = 0.95): Interval {
  const ascending = sorted(values);
  const n = ascending.length;
  const estimate = medianSorted(ascending);
  const bound = orderRank(n, confidence);
  if (!bound) return { estimate, low: null, high: null, confidence: 0, n, method: 'none' };
  return {
    estimate,
    low: ascending[bound.rank - 1] as number,
    high: ascending[n - bound.rank] as number,
    confidence: bound.coverage,
    n,
    method: 'order-statistic',
  };
}

/** The same interval on another scale; `map` must be increasing (Math.exp takes log-ratios to ratios). */
export function mapInterval(interval: Interval, map: (x: number) => number): Interval {
  return {
    ...interval,
    estimate: map(interval.estimate),
    low: interval.low === null ? null : map(interval.low),
    high: interval.high === null ? null : map(interval.high),
  };
}

/** Interval of the median ratio of paired, positive values: the order-statistic interval of their log-ratios. */
export function ratioInterval(pairs: readonly (readonly [number, number])[], confidence = 0.95): Interval {
  return mapInterval(orderInterval(logRatios(pairs), confidence), Math.exp);
}

/** ln(left / right) of each pair. Throws RangeError when a value is not positive: it was not a duration. */
export function logRatios(pairs: readonly (readonly [number, number])[]): number[] {
  return pairs.map(([left, right]) => {
    if (!(left > 0 && right > 0)) throw new RangeError(`ratio of ${left} and ${right}: want positive values`);
    return Math.log(left / right);
  });
}

export function contains(interval: Interval, value: number): boolean {
  return interval.low !== null && interval.high !== null && interval.low <= value && value <= interval.high;
}
