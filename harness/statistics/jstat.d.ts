/** The part of jstat used here; the package brings no types of its own. */
declare module 'jstat' {
  interface Normal {
    cdf(x: number, mean: number, standardDeviation: number): number;
    inv(p: number, mean: number, standardDeviation: number): number;
  }
  const jstat: { readonly normal: Normal };
  export default jstat;
}
