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
const STUDIES = 2000;
const SEED = 4;

/** Factors by lengths and critical rank; as many as combinations in use. */
const factors = new Map<string, number>();

/**
 * Minimum detectable effect: the shift that Mann–Whitney's test at level `alpha` tells from none with probability 0.8,
 * in the unit of the values. Their noise is 1.4826 · the median distance from the own list's median, over both lists.
 * null when lists of these lengths cannot reach that level.
 *
 * U reaches the critical value exactly when the shift exceeds one certain order statistic of the pairwise differences
 * between two unshifted lists; so the 80th percentile of that order statistic over normal lists is the effect in units
 * of their noise. The noise itself is known from few values only; dividing by what it comes to in the same lists takes
 * out that such an estimate is too small on the whole.
 */
export function detectableShift(before: readonly number[], after: readonly number[], alpha: number): number | null {
  const critical = criticalRank(before.length, after.length, alpha);
  if (!critical) return null;
  return noiseOf(before, after) * factorOf(before.length, after.length, critical.rank, alpha);
}

function noiseOf(before: readonly number[], after: readonly number[]): number {
  const centres = [median(before), median(after)] as const;
  const distances = [before, after].flatMap((list, i) => list.map((v) => Math.abs(v - (centres[i] as number))));
  return MAD_TO_SIGMA * median(distances);
}

function factorOf(m: number, n: number, rank: number, alpha: number): number {
  if (m * n > EXACT_LIMIT) {
    const z = normalQuantile(1 - alpha / 2) + normalQuantile(POWER);
    return z * Math.sqrt((1 / m + 1 / n) * (Math.PI / 3));
  }
  const key = `${m},${n},${rank}`;
  const known = factors.get(key);
  if (known !== undefined) return known;
  const random = createRandom(SEED);
  const draw = () => normalQuantile(Math.max(1e-12, random.next()));
  const needed: number[] = [];
  const noises: number[] = [];
  for (let study = 0; study < STUDIES; study++) {
    const x = Array.from({ length: m }, draw);
    const y = Array.from({ length: n }, draw);
    const differences = Float64Array.from(x.flatMap((a) => y.map((b) => a - b))).sort();
    needed.push(differences[m * n - rank] as number);
    noises.push(noiseOf(x, y));
  }
  const factor = quantile(needed, POWER) / median(noises);
  factors.set(key, factor);
  return factor;
}
