import hdr from 'hdr-histogram-js';
import type { Latency } from '../result.ts';

/**
 * One distribution from those of several trials: histograms added, percentiles from the sum, minimum, maximum and mean
 * exact as the trials found them. null when no trial has one. Throws when enter and exit latencies meet: they are
 * different quantities.
 */
export function mergeLatency(parts: readonly Latency[]): Latency | null {
  const [first, ...rest] = parts.filter((p) => p.count > 0);
  if (!first) return null;
  if (rest.some((p) => p.made !== first.made)) throw new TypeError('enter and exit latencies in one cell');

  const sum = hdr.decodeFromCompressedBase64(first.histogram, 64);
  for (const part of rest) sum.add(hdr.decodeFromCompressedBase64(part.histogram, 64));
  const all = [first, ...rest];
  const count = all.reduce((n, p) => n + p.count, 0);
  const minNs = Math.min(...all.map((p) => p.minNs));
  const maxNs = Math.max(...all.map((p) => p.maxNs));
  // A percentile is the upper end of its bucket, which may lie past the greatest value recorded.
  const at = (percentile: number): number => Math.min(maxNs, Math.max(minNs, sum.getValueAtPercentile(percentile)));
  return {
    histogram: hdr.encodeIntoCompressedBase64(sum),
    count,
    minNs,
    p50Ns: at(50),
    p90Ns: at(90),
    p99Ns: at(99),
    p999Ns: at(99.9),
    p9999Ns: at(99.99),
    maxNs,
    meanNs: all.reduce((total, p) => total + p.meanNs * (p.count / count), 0),
    ambiguous: all.reduce((n, p) => n + p.ambiguous, 0),
    made: first.made,
  };
}
