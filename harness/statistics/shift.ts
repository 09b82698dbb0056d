/** How far one list of values lies from another that was measured independently of it, and how far it would have to. */
import { createRandom } from '../random.ts';
import { MAD_TO_SIGMA, median, medianSorted, quantile, sorted } from './describe.ts';
import { normalQuantile } from './normal.ts';
import { criticalRank, EXACT_LIMIT } from './rank-sum.ts';

export interface Shift {
  readonly estimate: number;
  /** null when the lists are too short for the confidence asked for. */
  readonly low: number | null;
  readonly high: number | null;
  /** Coverage without ties; with ties it is at least that. 0 without bounds. */
  readonly confidence: number;
}

/**
 * Hodges–Lehmann shift from `before` to `after`: the median of all differences after − before, between the order
 * statistics of them that Mann–Whitney's test cannot reject. Free of any assumption but that one distribution is the
 * other one moved. Throws RangeError on an empty list.
 */
export function hodgesLehmann(before: readonly number[], after: readonly number[], confidence = 0.95): Shift {
  const differences = sorted(after.flatMap((a) => before.map((b) => a - b)));
  const estimate = medianSorted(differences);
  const critical = criticalRank(before.length, after.length, 1 - confidence);
  if (!critical) return { estimate, low: null, high: null, confidence: 0 };
  return {
    estimate,
    low: differences[critical.rank - 1] as number,
    high: differences[differences.length - critical.rank] as number,
    confidence: 1 - critical.pValue,
  };
}

const POWER = 0.8;
const NORMAL_PAIRS = 2000;
const RESAMPLES = 200;
const SEED = 4;

/** Factors by lengths and critical rank; as many as combinations in use. */
const factors = new Map<string, number>();

/**
 * Minimum detectable effect: the shift that Mann–Whitney's test at level `alpha` tells from none with probability 0.8,
 * in the unit of the values. null when lists of these lengths cannot reach that level.
 *
 * U reaches the critical value exactly when the shift exceeds one certain order statistic of the pairwise differences
 * between two unshifted lists. So the effect is the 80th percentile of that order statistic: over lists drawn from what
 * the values at hand leave of their medians, which knows their outliers; but at least what it is over normal lists of the
 * same noise, since few values know little of their tails.
 */
export function detectableShift(before: readonly number[], after: readonly number[], alpha: number): number | null {
  const [m, n] = [before.length, after.length];
  const critical = criticalRank(m, n, alpha);
  if (!critical) return null;
  const residuals = [before, after].flatMap((list) => {
    const centre = median(list);
    return list.map((value) => value - centre);
  });
  const normal = noiseOf(before, after) * normalFactor(m, n, critical.rank, alpha);
  if (m * n > EXACT_LIMIT) return normal;
  const random = createRandom(SEED);
  const drawn = shiftsNeeded(m, n, critical.rank, RESAMPLES, () => residuals[random.int(residuals.length)] as number);
  return Math.max(normal, quantile(drawn, POWER));
}

/** The shift that each of so many pairs of lists would have needed. */
function shiftsNeeded(m: number, n: number, rank: number, pairs: number, draw: () => number): number[] {
  const x = new Float64Array(m);
  const y = new Float64Array(n);
  const differences = new Float64Array(m * n);
  return Array.from({ length: pairs }, () => {
    for (let i = 0; i < m; i++) x[i] = draw();
    for (let j = 0; j < n; j++) y[j] = draw();
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) differences[i * n + j] = (x[i] as number) - (y[j] as number);
    return differences.sort()[m * n - rank] as number;
  });
}

/** 1.4826 · the median distance from the own list's median, over both lists. */
function noiseOf(before: readonly number[], after: readonly number[]): number {
  const centres = [median(before), median(after)] as const;
  const distances = [before, after].flatMap((list, i) => list.map((v) => Math.abs(v - (centres[i] as number))));
  return MAD_TO_SIGMA * median(distances);
}

/**
 * In units of noiseOf. That is too small on the whole when it comes from few values, so it is divided by what it comes to
 * in normal lists of the same lengths.
 */
function normalFactor(m: number, n: number, rank: number, alpha: number): number {
  if (m * n > EXACT_LIMIT) {
    const z = normalQuantile(1 - alpha / 2) + normalQuantile(POWER);
    return z * Math.sqrt((1 / m + 1 / n) * (Math.PI / 3));
  }
  const key = `${m},${n},${rank}`;
  const known = factors.get(key);
  if (known !== undefined) return known;
  const random = createRandom(SEED);
  const draw = () => normalQuantile(Math.max(1e-12, random.next()));
  const needed = shiftsNeeded(m, n, rank, NORMAL_PAIRS, draw);
  const list = (length: number) => Array.from({ length }, draw);
  const noises = Array.from({ length: NORMAL_PAIRS }, () => noiseOf(list(m), list(n)));
  const factor = quantile(needed, POWER) / median(noises);
  factors.set(key, factor);
  return factor;
}
