/** Hypothesis tests: exact sign test, Mann–Whitney, and Holm's adjustment for asking many questions at once. */
import { binomialCdf } from './binomial.ts';
import { normalCdf } from './normal.ts';

/** Exact two-sided p of "the median of these differences is 0". Zeros say nothing either way and are left out. */
export function signTest(differences: readonly number[]): number {
  let up = 0;
  let down = 0;
  for (const d of differences) {
    if (d > 0) up++;
    else if (d < 0) down++;
  }
  return Math.min(1, 2 * binomialCdf(Math.min(up, down), up + down));
}

export type Alternative = 'two-sided' | 'less' | 'greater';

export interface MannWhitney {
  /** U of the first list: pairs in which it is the greater one, ties counting half. */
  readonly u: number;
  readonly pValue: number;
  readonly method: 'exact' | 'asymptotic';
}

/** Above this product of the list lengths the exact distribution is not worth its time. */
const EXACT_LIMIT = 2500;

/**
 * Mann–Whitney U test of two independent lists; `less`: the first tends to be smaller. Exact without ties and up to
 * 50 × 50 values, else the normal approximation with tie and continuity correction; `method` insists on one. Throws
 * RangeError on an empty list, or when exactness is insisted on and there are ties.
 */
export function mannWhitney(
  x: readonly number[],
  y: readonly number[],
  options: { readonly alternative?: Alternative; readonly method?: 'exact' | 'asymptotic' } = {},
): MannWhitney {
  if (x.length === 0 || y.length === 0) throw new RangeError('Mann–Whitney of an empty list');
  const { u, tieSum } = rankSum(x, y);
  const m = x.length;
  const n = y.length;
  const method = options.method ?? (tieSum === 0 && m * n <= EXACT_LIMIT ? 'exact' : 'asymptotic');
  if (method === 'exact' && tieSum > 0) throw new RangeError('exact Mann–Whitney with ties');

  const alternative = options.alternative ?? 'two-sided';
  const extreme = alternative === 'greater' ? u : alternative === 'less' ? m * n - u : Math.max(u, m * n - u);
  const tail = method === 'exact' ? exactTail(extreme, m, n) : normalTail(extreme, m, n, tieSum);
  return { u, pValue: Math.min(1, alternative === 'two-sided' ? 2 * tail : tail), method };
}

/** Smallest family-wise level at which each p would be rejected (Holm 1979), in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => (pValues[i] as number) - (pValues[j] as number));
  const adjusted = new Array<number>(pValues.length);
  let running = 0;
  order.forEach((index, position) => {
    running = Math.max(running, Math.min(1, (pValues[index] as number) * (pValues.length - position)));
    adjusted[index] = running;
  });
  return adjusted;
}

/** U of x, and Σ(t³ − t) over the groups of tied values. */
function rankSum(x: readonly number[], y: readonly number[]): { u: number; tieSum: number } {
  const pooled = [...x.map((value) => ({ value, first: true })), ...y.map((value) => ({ value, first: false }))];
  pooled.sort((a, b) => a.value - b.value);
  let ranks = 0;
  let tieSum = 0;
  for (let i = 0; i < pooled.length; ) {
    let j = i;
    while (j < pooled.length && pooled[j]?.value === pooled[i]?.value) j++;
    const shared = (i + 1 + j) / 2;
    for (let k = i; k < j; k++) if (pooled[k]?.first) ranks += shared;
    tieSum += (j - i) ** 3 - (j - i);
    i = j;
  }
  return { u: ranks - (x.length * (x.length + 1)) / 2, tieSum };
}

/**
 * P(U ≥ u). ways[c][s] counts the choices of c ranks, of those seen so far, whose sum is s above the least possible:
 * only additions, so no digits cancel.
 */
function exactTail(u: number, m: number, n: number): number {
  const most = m * n;
  const ways = Array.from({ length: m + 1 }, () => new Float64Array(most + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (let rank = 0; rank < m + n; rank++) {
    for (let c = Math.min(m, rank + 1); c >= 1; c--) {
      const into = ways[c] as Float64Array;
      const from = ways[c - 1] as Float64Array;
      // The c-th smallest chosen rank is `rank`; c − 1 ranks must lie below it, so it adds rank − (c − 1).
      const adds = rank - (c - 1);
      for (let s = most; s >= adds; s--) into[s] = (into[s] as number) + (from[s - adds] as number);
    }
  }
  const counts = ways[m] as Float64Array;
  let above = 0;
  let all = 0;
  counts.forEach((count, s) => {
    all += count;
    if (s >= u) above += count;
  });
  return above / all;
}

function normalTail(u: number, m: number, n: number, tieSum: number): number {
  const all = m + n;
  const deviation = Math.sqrt(((m * n) / 12) * (all + 1 - tieSum / (all * (all - 1))));
  if (deviation === 0) return 1;
  return normalCdf(-(u - (m * n) / 2 - 0.5) / deviation);
}
