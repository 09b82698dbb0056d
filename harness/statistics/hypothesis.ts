/** Hypothesis tests: exact sign test, Mann–Whitney, and Holm's adjustment for asking many questions at once. */
import { binomialCdf } from './binomial.ts';
import { EXACT_LIMIT, exactTails, normalTail } from './rank-sum.ts';

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
  const tail = method === 'exact' ? (exactTails(m, n)[extreme] as number) : normalTail(extreme, m, n, tieSum);
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
