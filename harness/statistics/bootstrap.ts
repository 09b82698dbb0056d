/**
 * Bias-corrected and accelerated (BCa) bootstrap intervals, Efron 1987: with scipy's conventions, so that its results
 * are our golden vectors (tests/fixtures/statistics-golden.json).
 */
import { createRandom } from '../random.ts';
import type { Interval } from '../result.ts';
import { medianSorted, quantileSorted } from './describe.ts';
import { normalCdf, normalQuantile } from './normal.ts';

/** The bootstrap of a median is too narrow below this (92–94 % instead of 95 % at 6–8 rounds). */
export const MIN_ROUNDS_BCA = 10;

export interface BootstrapOptions {
  readonly seed: number;
  readonly resamples?: number;
  readonly confidence?: number;
}

/** A statistic of the rounds named by `indices`; it may see one round several times. */
export type Statistic = (indices: Int32Array) => number;

/** z0: how far the replicates' median lies from the estimate, in standard deviations of a normal distribution. */
export function biasOf(estimate: number, replicates: Float64Array): number {
  let below = 0;
  let equal = 0;
  for (const r of replicates) {
    if (r < estimate) below++;
    else if (r === estimate) equal++;
  }
  // Where all replicates lie on one side the bias is not known, only that it is beyond what B replicates can tell.
  const half = 0.5 / replicates.length;
  return normalQuantile(Math.min(1 - half, Math.max(half, (below + equal / 2) / replicates.length)));
}

/** How fast the standard error changes with the estimate, from the estimates that leave one round out each. */
export function accelerationOf(jackknife: readonly number[]): number {
  let mean = 0;
  for (const j of jackknife) mean += j / jackknife.length;
  let squares = 0;
  let cubes = 0;
  for (const j of jackknife) {
    const d = mean - j;
    squares += d * d;
    cubes += d * d * d;
  }
  const raw = cubes / (6 * squares ** 1.5);
  return Number.isFinite(raw) ? raw : 0;
}

/** The interval, from replicates drawn elsewhere. Replicates may hold ±Infinity; a bound may then be infinite. */
export function bcaFromReplicates(
  estimate: number,
  jackknife: readonly number[],
  replicates: Float64Array,
  confidence: number,
): { low: number; high: number } {
  const ascending = Float64Array.from(replicates).sort();
  const bias = biasOf(estimate, ascending);
  const acceleration = accelerationOf(jackknife);
  const tail = (1 - confidence) / 2;
  const bound = (p: number): number => {
    const z = bias + normalQuantile(p);
    return quantileSorted(ascending, normalCdf(bias + z / (1 - acceleration * z)));
  };
  return { low: bound(tail), high: bound(1 - tail) };
}

/**
 * BCa interval of any statistic over n rounds, which are resampled whole: what was measured in one round stays
 * together. A bound that is infinite (a resampled denominator reached zero) is null: unbounded on that side.
 * Throws RangeError when n < 2.
 */
export function bcaInterval(n: number, statistic: Statistic, options: BootstrapOptions): Interval {
  if (n < 2) throw new RangeError(`bootstrap of ${n} rounds: want at least 2`);
  const { seed, resamples = 10_000, confidence = 0.95 } = options;
  const random = createRandom(seed);
  const indices = Int32Array.from({ length: n }, (_, i) => i);
  const estimate = statistic(indices);

  const replicates = new Float64Array(resamples);
  const drawn = new Int32Array(n);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < n; i++) drawn[i] = random.int(n);
    replicates[b] = statistic(drawn);
  }
  const jackknife = Array.from({ length: n }, (_, left) => statistic(indices.filter((i) => i !== left)));
  const { low, high } = bcaFromReplicates(estimate, jackknife, replicates, confidence);
  return {
    estimate,
    low: Number.isFinite(low) ? low : null,
    high: Number.isFinite(high) ? high : null,
    confidence,
    n,
    method: 'bca',
  };
}

/** BCa interval of the median; null below MIN_ROUNDS_BCA values. */
export function bcaMedian(values: readonly number[], options: BootstrapOptions): Interval | null {
  if (values.length < MIN_ROUNDS_BCA) return null;
  return bcaInterval(values.length, medianOf(values), options);
}

/**
 * How much more `a` adds than `b`, over a common baseline measured in the same rounds:
 * median(a − none) / median(b − none), rounds resampled jointly. The three lists run by round. A resample in which b
 * adds nothing (denominator ≤ 0) counts as +Infinity, so that noise in the denominator can only widen the interval
 * upwards. Throws RangeError on lists of different length, fewer than 2 rounds, or a median denominator ≤ 0.
 */
export function ratioOfAdded(
  a: readonly number[],
  b: readonly number[],
  none: readonly number[],
  options: BootstrapOptions,
): Interval {
  if (a.length !== none.length || b.length !== none.length) {
    throw new RangeError(`rounds do not pair: ${a.length}, ${b.length} and ${none.length}`);
  }
  const addedA = medianOf(a.map((t, i) => t - (none[i] as number)));
  const addedB = medianOf(b.map((t, i) => t - (none[i] as number)));
  const statistic: Statistic = (indices) => {
    const denominator = addedB(indices);
    return denominator > 0 ? addedA(indices) / denominator : Number.POSITIVE_INFINITY;
  };
  const interval = bcaInterval(none.length, statistic, options);
  if (!Number.isFinite(interval.estimate)) throw new RangeError('the denominator adds nothing over the baseline');
  return interval;
}

function medianOf(values: readonly number[]): Statistic {
  return (indices) => {
    const drawn = new Float64Array(indices.length);
    for (let i = 0; i < drawn.length; i++) drawn[i] = values[indices[i] as number] as number;
    return medianSorted(drawn.sort());
  };
}
