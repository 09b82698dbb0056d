/** Fits the queue model to measured losses, and tells how well it does on others. */
import type { Random } from '../random.ts';
import { median } from '../statistics/describe.ts';
import { type BurstLoad, lossOf, type Queue } from './queue-model.ts';

/** A load that was run, what buffer it had, and what it lost. */
export interface LossPoint {
  readonly load: BurstLoad;
  /** As the kernel granted it: calls that the buffer within reach of the workload holds. */
  readonly callsInFlight: number;
  readonly lossFraction: number;
}

export interface QueueFit {
  readonly servedPerS: number;
  readonly pauseMs: number;
  /** Of the calls in flight that the geometry says: what of them counts. */
  readonly bufferShare: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Searched on a logarithmic grid, which then closes in on the best point: the error has flat places and steps. */
const STEPS = 9;
const LEVELS = 12;
const CLOSER = 0.6;
const SERVED_PER_S: Range = { from: 1e3, to: 1e8 };
const LEAST_PAUSE_MS = 1e-3;
const BUFFER_SHARE: Range = { from: 0.25, to: 4 };

export function queueOf(fit: QueueFit, callsInFlight: number): Queue {
  const { servedPerS, pauseMs, bufferShare } = fit;
  return { servedPerS, pauseMs, bufferCalls: bufferShare * callsInFlight };
}

/**
 * Least squares of the loss fraction. `longestPauseMs`: beyond it no collector sleeps; without an end, bursts that are over
 * before it could have woken would fit any pause. Throws RangeError without points.
 */
export function fitQueue(points: readonly LossPoint[], longestPauseMs: number): QueueFit {
  if (points.length === 0) throw new RangeError('a fit needs points');
  const pauses = { from: LEAST_PAUSE_MS, to: longestPauseMs };
  let ranges: [Range, Range, Range] = [SERVED_PER_S, pauses, BUFFER_SHARE];
  let best: { fit: QueueFit; error: number } | null = null;
  for (let level = 0; level < LEVELS; level++) {
    const [served, pause, share] = ranges.map(grid) as [number[], number[], number[]];
    for (const servedPerS of served) {
      for (const pauseMs of pause) {
        for (const bufferShare of share) {
          const fit = { servedPerS, pauseMs, bufferShare };
          const error = points.reduce((sum, point) => sum + errorOf(point, fit) ** 2, 0);
          if (best === null || error < best.error) best = { fit, error };
        }
      }
    }
    const { servedPerS, pauseMs, bufferShare } = (best as { fit: QueueFit }).fit;
    const [a, b, c] = ranges;
    ranges = [around(servedPerS, a, SERVED_PER_S.to), around(pauseMs, b, longestPauseMs), around(bufferShare, c)];
  }
  return (best as { fit: QueueFit }).fit;
}

/** Fits to resamples of the points, for intervals of what is computed from a fit. */
export function resampledFits(
  points: readonly LossPoint[],
  longestPauseMs: number,
  resamples: number,
  random: Random,
): QueueFit[] {
  return Array.from({ length: resamples }, () =>
    fitQueue(
      points.map(() => points[random.int(points.length)] as LossPoint),
      longestPauseMs,
    ),
  );
}

/** Predicted − measured loss. */
export function errorOf({ load, callsInFlight, lossFraction }: LossPoint, fit: QueueFit): number {
  return lossOf(load, queueOf(fit, callsInFlight)) - lossFraction;
}

/** Median absolute error over points, in shares of the calls. Throws RangeError without points. */
export function medianError(points: readonly LossPoint[], fit: QueueFit): number {
  return median(points.map((point) => Math.abs(errorOf(point, fit))));
}

function grid({ from, to }: Range): number[] {
  return Array.from({ length: STEPS }, (_, i) => from * (to / from) ** (i / (STEPS - 1)));
}

function around(value: number, { from, to }: Range, most = Number.POSITIVE_INFINITY): Range {
  const half = (to / from) ** (CLOSER / 2);
  return { from: value / half, to: Math.min(most, value * half) };
}
