/**
 * P(X ≤ k) for X ~ Binomial(n, p), summed term by term in logarithms: n is a number of rounds, so the sum is short,
 * and 0.5ⁿ does not underflow at any n.
 */
export function binomialCdf(k: number, n: number, p = 0.5): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  if (p <= 0) return 1;
  if (p >= 1) return 0;
  const odds = Math.log(p) - Math.log1p(-p);
  let term = n * Math.log1p(-p);
  let sum = 0;
  for (let i = 0; i <= k; i++) {
    sum += Math.exp(term);
    term += Math.log((n - i) / (i + 1)) + odds;
  }
  return Math.min(1, sum);
}
