/** Order statistics of plain lists. None of these changes its argument; all throw RangeError on an empty list. */

export function sorted(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no values');
  return [...values].sort((x, y) => x - y);
}

/** Type 7 of Hyndman and Fan (numpy's and R's default) of a sorted list; 0 ≤ p ≤ 1. ±Infinity may stand at the ends. */
export function quantileSorted(ascending: ArrayLike<number>, p: number): number {
  const n = ascending.length;
  if (n === 0) throw new RangeError('no values');
  if (!(p >= 0 && p <= 1)) throw new RangeError(`quantile ${p}: want 0 … 1`);
  const at = (n - 1) * p;
  const below = Math.floor(at);
  const low = ascending[below] as number;
  const part = at - below;
  if (part === 0) return low;
  const high = ascending[below + 1] as number;
  return low === high ? low : low + (high - low) * part;
}

export function quantile(values: readonly number[], p: number): number {
  return quantileSorted(sorted(values), p);
}

export function median(values: readonly number[]): number {
  return medianSorted(sorted(values));
}

/** Mean of the two middle values, computed so that it stays between them in floating point. */
export function medianSorted(ascending: ArrayLike<number>): number {
  const n = ascending.length;
  if (n === 0) throw new RangeError('no values');
  const high = ascending[n >> 1] as number;
  if (n % 2 === 1) return high;
  const low = ascending[(n >> 1) - 1] as number;
  return low === high ? low : low + (high - low) / 2;
}

/** Median absolute deviation from `centre` (default: the median), unscaled. */
export function mad(values: readonly number[], centre: number = median(values)): number {
  return median(values.map((v) => Math.abs(v - centre)));
}

/** What turns a MAD into the standard deviation of a normal distribution: 1 / Φ⁻¹(0.75). */
export const MAD_TO_SIGMA = 1.482602218505602;
