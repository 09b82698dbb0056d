import jstat from 'jstat';

/** Φ */
export function normalCdf(z: number): number {
  return jstat.normal.cdf(z, 0, 1);
}

/** Φ⁻¹ for 0 < p < 1. */
export function normalQuantile(p: number): number {
  return jstat.normal.inv(p, 0, 1);
}
