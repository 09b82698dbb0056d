/**
 * The distribution of Mann–Whitney's U under no difference: what the test takes its p from and the interval of the
 * shift its ranks.
 */
import { normalCdf, normalQuantile } from './normal.ts';

/** Above this product of the list lengths the exact distribution is not worth its time. */
export const EXACT_LIMIT = 2500;

/** Tables by `m,n`; there are as many as pairs of list lengths in use, each at most EXACT_LIMIT long. */
const tails = new Map<string, Float64Array>();

/** P(U ≥ u) without ties, for u = 0 … m·n. */
export function exactTails(m: number, n: number): Float64Array {
  const key = `${m},${n}`;
  const known = tails.get(key);
  if (known) return known;
  const table = cumulated(ways(m, n));
  tails.set(key, table);
  return table;
}

/**
 * ways[s]: choices of m ranks out of m + n whose sum is s above the least possible. Only additions, so no digits cancel.
 */
function ways(m: number, n: number): Float64Array {
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
  return ways[m] as Float64Array;
}

/** From the far end, where the counts are small: what is added up is never larger than what it is added to. */
function cumulated(counts: Float64Array): Float64Array {
  const above = new Float64Array(counts.length);
  let sum = 0;
  for (let s = counts.length - 1; s >= 0; s--) {
    sum += counts[s] as number;
    above[s] = sum;
  }
  return above.map((count) => count / sum);
}

/** P(U ≥ u) by the normal approximation with continuity correction; tieSum: Σ(t³ − t) over groups of tied values. */
export function normalTail(u: number, m: number, n: number, tieSum: number): number {
  const deviation = deviationOfU(m, n, tieSum);
  if (deviation === 0) return 1;
  return normalCdf(-(u - (m * n) / 2 - 0.5) / deviation);
}

function deviationOfU(m: number, n: number, tieSum: number): number {
  const all = m + n;
  return Math.sqrt(((m * n) / 12) * (all + 1 - tieSum / (all * (all - 1))));
}

/** The smallest two-sided p that lists of these lengths can have: 2 / C(m + n, m). */
export function leastPValue(m: number, n: number): number {
  let choices = 1;
  for (let i = 1; i <= Math.min(m, n); i++) choices *= (Math.max(m, n) + i) / i;
  return Math.min(1, 2 / choices);
}

/**
 * The largest k for which 2·P(U ≤ k − 1) ≤ alpha, and that p: a two-sided test at level alpha rejects from m·n + 1 − k
 * on. null when not even U = 0 is rare enough.
 */
export function criticalRank(m: number, n: number, alpha: number): { rank: number; pValue: number } | null {
  const most = m * n;
  if (most > EXACT_LIMIT) {
    const rank = Math.floor(most / 2 + 0.5 + normalQuantile(alpha / 2) * deviationOfU(m, n, 0));
    return rank < 1 ? null : { rank, pValue: 2 * normalTail(most + 1 - rank, m, n, 0) };
  }
  const table = exactTails(m, n);
  let found: { rank: number; pValue: number } | null = null;
  for (let rank = 1; rank <= most; rank++) {
    const pValue = 2 * (table[most + 1 - rank] as number);
    if (pValue > alpha) break;
    found = { rank, pValue };
  }
  return found;
}
