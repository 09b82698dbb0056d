/** Whether values that came one after another went one way. */
import { normalCdf } from './normal.ts';

/** Above this the exact distribution is not worth its time. */
const EXACT_LIMIT = 60;

export interface Trend {
  /** Kendall's S: pairs that rise less pairs that fall. */
  readonly s: number;
  /** Two-sided. */
  readonly pValue: number;
}

/** Mann–Kendall trend test: exact without ties and up to 60 values, else by the normal approximation, corrected for ties. */
export function mannKendall(values: readonly number[]): Trend {
  const n = values.length;
  let s = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) s += Math.sign((values[j] as number) - (values[i] as number));
  }
  const groups = new Map<number, number>();
  for (const value of values) groups.set(value, (groups.get(value) ?? 0) + 1);
  const tied = groups.size < n;
  return { s, pValue: tied || n > EXACT_LIMIT ? normalP(s, n, [...groups.values()]) : exactP(s, n) };
}

/** From the number of permutations of n with k inversions: S = n(n − 1)/2 − 2k. */
function exactP(s: number, n: number): number {
  const most = (n * (n - 1)) / 2;
  let shares = new Float64Array(most + 1);
  shares[0] = 1;
  for (let length = 2; length <= n; length++) {
    const next = new Float64Array(most + 1);
    for (let k = 0; k <= most; k++) {
      // The new last value stands before 0 … length − 1 of those that were there.
      for (let added = 0; added < length && added <= k; added++)
        next[k] = (next[k] as number) + (shares[k - added] as number) / length;
    }
    shares = next;
  }
  const inversions = (most - Math.abs(s)) / 2;
  let tail = 0;
  for (let k = 0; k <= inversions; k++) tail += shares[k] as number;
  return Math.min(1, 2 * tail);
}

function normalP(s: number, n: number, ties: readonly number[]): number {
  const term = (k: number): number => k * (k - 1) * (2 * k + 5);
  const variance = (term(n) - ties.reduce((sum, t) => sum + term(t), 0)) / 18;
  return variance <= 0 ? 1 : Math.min(1, 2 * normalCdf(-Math.max(0, Math.abs(s) - 1) / Math.sqrt(variance)));
}
