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

/** Of service rate, pause and share of the buffer. */
type Ranges = readonly [Range, Range, Range];

interface Candidate {
  readonly fit: QueueFit;
  /** Sum of the squares of what it is off by, in shares of the calls. */
  readonly error: number;
}

/** The best so far, and where it goes on. */
interface Search {
  readonly best: Candidate;
  readonly ranges: Ranges;
}

/**
 * Searched on a coarse logarithmic grid, then from the best of each of its pauses on finer ones that close in: the error has
 * flat places and steps, and more than one valley.
 */
const FIRST_STEPS = 13;
const STEPS = 5;
const LEVELS = 17;
const CLOSER = 0.7;
/** After so many levels only so many go on: which valley is the lowest shows by then. */
const SIFTED_AFTER = 6;
const SIFTED_TO = 3;
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
  const ranges: Ranges = [SERVED_PER_S, { from: LEAST_PAUSE_MS, to: longestPauseMs }, BUFFER_SHARE];
  let searches = bestOfEachPause(points, ranges, FIRST_STEPS).map((best): Search => ({ best, ranges }));
  for (let level = 0; level < LEVELS; level++) {
    searches = searches.map((search) => closeIn(points, search, longestPauseMs));
    if (level + 1 === SIFTED_AFTER) searches = searches.sort((a, b) => a.best.error - b.best.error).slice(0, SIFTED_TO);
  }
  return searches.map(({ best }) => best).reduce(better).fit;
}

/**
 * The grid's pauses, each with the best that the other two can do. A long sleep before a fast server and a short one before
 * a slow server lose alike; which of them is right shows only close by.
 */
function bestOfEachPause(points: readonly LossPoint[], ranges: Ranges, steps: number): Candidate[] {
  const [served, pauses, shares] = ranges.map((range) => grid(range, steps)) as [number[], number[], number[]];
  return pauses.map((pauseMs) =>
    served
      .flatMap((servedPerS) => shares.map((bufferShare) => ({ servedPerS, pauseMs, bufferShare })))
      .map((fit) => ({ fit, error: points.reduce((sum, point) => sum + errorOf(point, fit) ** 2, 0) }))
      .reduce(better),
  );
}

function closeIn(points: readonly LossPoint[], { best, ranges }: Search, longestPauseMs: number): Search {
  const { servedPerS, pauseMs, bufferShare } = best.fit;
  const [a, b, c] = ranges;
  const closer: Ranges = [
    around(servedPerS, a, SERVED_PER_S.to),
    around(pauseMs, b, longestPauseMs),
    around(bufferShare, c),
  ];
  return { best: [best, ...bestOfEachPause(points, closer, STEPS)].reduce(better), ranges: closer };
}

const better = (a: Candidate, b: Candidate): Candidate => (b.error < a.error ? b : a);

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

function grid({ from, to }: Range, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => from * (to / from) ** (i / (steps - 1)));
}

function around(value: number, { from, to }: Range, most = Number.POSITIVE_INFINITY): Range {
  const half = (to / from) ** (CLOSER / 2);
  return { from: value / half, to: Math.min(most, value * half) };
}
