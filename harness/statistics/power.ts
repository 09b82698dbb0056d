/** What a study of this size and noise could have seen at all. */
import { binomialCdf } from './binomial.ts';
import { MAD_TO_SIGMA, median } from './describe.ts';
import { normalQuantile } from './normal.ts';
import { orderRank } from './order-interval.ts';

/**
 * Minimum detectable effect, relative (0.02: two per cent), of a paired comparison over `rounds` rounds: the effect
 * whose order-statistic interval excludes 1 with probability `power`.
 *
 * `nullLogRatios` are log-ratios of pairs between which nothing differs (A/A pairs, or two trials of the same cell in
 * consecutive rounds). Their spread about 0, σ = 1.4826 · median |ln ratio|, stands for the noise of one pair. The
 * interval [x(k), x(n+1−k)] lies above 0 exactly when at least n + 1 − k of n pairs do; pairs shifted by δ do so with
 * probability Φ(δ/σ) each. With q the probability for which P(Binomial(n, q) ≥ n + 1 − k) = power:
 *
 *     MDE = exp(σ · Φ⁻¹(q)) − 1
 *
 * null where there is no interval (fewer than 6 rounds) or no pair to take the noise from.
 */
export function minimumDetectableEffect(
  nullLogRatios: readonly number[],
  rounds: number,
  options: { readonly power?: number; readonly confidence?: number } = {},
): number | null {
  const { power = 0.8, confidence = 0.95 } = options;
  const bound = orderRank(rounds, confidence);
  if (!bound || nullLogRatios.length === 0) return null;
  const sigma = MAD_TO_SIGMA * median(nullLogRatios.map(Math.abs));

  const needed = rounds + 1 - bound.rank;
  let low = 0.5;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const q = (low + high) / 2;
    if (1 - binomialCdf(needed - 1, rounds, q) < power) low = q;
    else high = q;
  }
  return Math.expm1(sigma * normalQuantile((low + high) / 2));
}

/** Log-ratios of each value to the one before: pairs between which nothing changed but time. */
export function consecutiveLogRatios(values: readonly number[]): number[] {
  return values.slice(1).map((value, i) => Math.log(value / (values[i] as number)));
}

/** An amount of work and the time it took, in any units. */
export interface Work {
  readonly work: number;
  readonly time: number;
}

/**
 * Growth of the time over growth of the work: 1 for work that costs the same every time, 0.5 for time(2N) = time(N).
 * Throws RangeError unless the work grows and all is positive.
 */
export function proportionality(small: Work, large: Work): number {
  if (!(small.work > 0 && large.work > small.work && small.time > 0 && large.time > 0)) {
    throw new RangeError(`from ${small.work} to ${large.work} calls: want growing work and positive times`);
  }
  return large.time / small.time / (large.work / small.work);
}
