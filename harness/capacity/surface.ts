/**
 * The loss surface of one variant: bursts of drawn sizes into buffers of drawn sizes, and the queue that describes them.
 *
 * First a pilot finds the size of buffer from which on a burst is not lost, and a rough queue. Then the points that will
 * test the model are drawn, then those it is fitted to, all from one seed and before anything is fitted to any of them; they
 * run in shuffled order. The rough queue only says how large a burst must be to lose something: points at which nothing or
 * everything is lost would agree with any model.
 */

import type { Random } from '../random.ts';
import { median } from '../statistics/describe.ts';
import { fitQueue, type LossPoint, medianError, type QueueFit, queueOf, resampledFits } from './fit.ts';
import { type BurstLoad, bufferFor, lossOf } from './queue-model.ts';

/** Bursts to run into a buffer that is to hold so many calls. */
export interface PointPlan {
  readonly callsInFlight: number;
  readonly burstCalls: number;
  readonly bursts: number;
}

/** What came of it; the buffer as the kernel granted it. */
export type RunPoint = (plan: PointPlan) => Promise<LossPoint>;

export interface SurfaceOptions {
  readonly testPoints: number;
  readonly fitPoints: number;
  /** Fits to resampled points, for intervals. */
  readonly resamples: number;
  readonly random: Random;
  /** Calls that a buffer holds which was asked to hold so many: mechanisms round up. */
  readonly callsHeld: (callsInFlight: number) => number;
}

export interface Surface {
  readonly fit: QueueFit;
  /** To resamples of the fitted points. */
  readonly resampled: readonly QueueFit[];
  readonly fitted: readonly LossPoint[];
  readonly tested: readonly LossPoint[];
  /** Of the tested points: predicted − measured loss, in shares of the calls; median of its size. */
  readonly lossError: number;
  /** Of the tested points that lost between 5 and 95 %: |buffer predicted to lose as much / buffer had − 1|; null without any. */
  readonly bufferError: number | null;
  /** How many of the tested points lost between 5 and 95 %: only they tell a good model from a bad one. */
  readonly telling: number;
}

const PILOT_BURST = 20_000;
const PILOT_BURSTS = 3;
/** A page of the smallest records, up to what nobody gives a pilot burst. */
const PILOT_LADDER = [40, 160, 640, 2560, 10_240, 40_960];
const LITTLE = 0.05;
const NEARLY_ALL = 0.95;
/** Buffers from so much smaller than the pilot's answer on. */
const SPAN = 8;
/** Loss that bursts are drawn for. */
const AIMS: readonly [number, number] = [0.03, 0.85];
const MOST_BURST = 100_000;
/** Each finds the collector at another moment of its sleep. */
const BURSTS = 12;

/** Rejects with what `run` rejects with. */
export async function measureSurface(run: RunPoint, options: SurfaceOptions): Promise<Surface> {
  const { random, testPoints, fitPoints } = options;
  const known = await pilot(run);
  const plans = Array.from({ length: testPoints + fitPoints }, () => draw(known, options));
  const roles = plans.map((plan, i) => ({ plan, isTest: i < testPoints }));
  const fitted: LossPoint[] = [];
  const tested: LossPoint[] = [];
  for (const { plan, isTest } of random.shuffle(roles)) (isTest ? tested : fitted).push(await run(plan));
  const fit = fitQueue(fitted);
  const telling = tested.filter(({ lossFraction }) => lossFraction > LITTLE && lossFraction < NEARLY_ALL);
  return {
    fit,
    resampled: resampledFits(fitted, options.resamples, random),
    fitted,
    tested,
    lossError: medianError(tested, fit),
    bufferError: telling.length > 0 ? median(telling.map((point) => bufferErrorOf(point, fit))) : null,
    telling: telling.length,
  };
}

interface Pilot {
  /** Calls in flight from which on a pilot burst loses little. */
  readonly largest: number;
  readonly rough: QueueFit;
  readonly load: BurstLoad;
}

async function pilot(run: RunPoint): Promise<Pilot> {
  const points: LossPoint[] = [];
  for (const callsInFlight of PILOT_LADDER) {
    const point = await run({ callsInFlight, burstCalls: PILOT_BURST, bursts: PILOT_BURSTS });
    points.push(point);
    if (point.lossFraction < LITTLE) break;
  }
  const last = points.at(-1) as LossPoint;
  return { largest: last.callsInFlight, rough: fitQueue(points), load: last.load };
}

function draw({ largest, rough, load }: Pilot, { random, callsHeld }: SurfaceOptions): PointPlan {
  const callsInFlight = callsHeld(Math.max(1, Math.round(largest / SPAN ** random.next())));
  const [least, most] = AIMS;
  const aim = least + (most - least) * random.next();
  const lossWith = (burstCalls: number): number => {
    const intervalMs = (load.intervalMs * burstCalls) / load.burstCalls;
    return lossOf({ ...load, burstCalls, intervalMs }, queueOf(rough, callsInFlight));
  };
  // Where not even the largest burst loses so much, half of what that loses.
  const reached = Math.min(aim, lossWith(MOST_BURST) / 2);
  let low = 2;
  let high = MOST_BURST;
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high);
    if (lossWith(middle) < reached) low = middle;
    else high = middle;
  }
  return { callsInFlight, burstCalls: Math.max(2, Math.round(high)), bursts: BURSTS };
}

function bufferErrorOf({ load, callsInFlight, lossFraction }: LossPoint, fit: QueueFit): number {
  const predicted = bufferFor(load, fit, lossFraction);
  return predicted === null ? Number.POSITIVE_INFINITY : Math.abs(predicted / fit.bufferShare / callsInFlight - 1);
}
