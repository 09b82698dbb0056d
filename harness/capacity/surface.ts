/**
 * The loss surface of one variant: bursts of drawn sizes into buffers of drawn sizes, and the queue that describes them.
 *
 * A pilot finds the size of buffer from which on a burst is not lost. Then points are drawn by the seed and run. Which of them
 * test the model and which it is fitted to is drawn before; whether a point is kept depends on what it lost and on no model:
 * at most half of them may have lost nearly nothing or nearly everything, for with those any model agrees.
 */
import type { Random } from '../random.ts';
import { median } from '../statistics/describe.ts';
import { fitQueue, type LossPoint, medianError, type QueueFit, resampledFits } from './fit.ts';
import { bufferFor } from './queue-model.ts';
import { Unusable } from './run.ts';

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
  /** That the collector may sleep, on average, by its wake-up policy. */
  readonly longestPauseMs: number;
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
/** What runs beside a burst makes it lose more: a buffer is too small when all of so many tries say so. */
const PILOT_TRIES = 3;
/** A page of the smallest records, up to what nobody gives a pilot burst. */
const PILOT_LADDER = [40, 160, 640, 2560, 10_240, 40_960];
const LITTLE = 0.05;
const NEARLY_ALL = 0.95;
/** Buffers from so much smaller than the pilot's answer on. */
const SPAN = 16;
/** A burst is so many times what the buffer holds. */
const BURST_TIMES: readonly [number, number] = [1.2, 8];
const MOST_BURST = 100_000;
/** Draws for a point that is wanted, on average and at most. */
const MOST_DRAWS = 8;
/** Each finds the collector at another moment of its sleep. */
const BURSTS = 12;

/** Rejects with what `run` rejects with, and with Unusable where nearly no burst tells anything. */
export async function measureSurface(run: RunPoint, options: SurfaceOptions): Promise<Surface> {
  const { random, testPoints, fitPoints } = options;
  const wanted = testPoints + fitPoints;
  const isTest = random.shuffle(Array.from({ length: wanted }, (_, i) => i < testPoints));
  const largest = await pilot(run);
  const fitted: LossPoint[] = [];
  const tested: LossPoint[] = [];
  const mute = { tested: 0, fitted: 0 };
  for (let draws = 0, kept = 0; kept < wanted && draws < MOST_DRAWS * wanted; draws++) {
    const point = await run(draw(largest, random));
    const role = isTest[kept] ? 'tested' : 'fitted';
    const most = (role === 'tested' ? testPoints : fitPoints) / 2;
    if (!isTelling(point) && ++mute[role] > most) continue;
    (role === 'tested' ? tested : fitted).push(point);
    kept++;
  }
  if (tested.length < testPoints / 2 || fitted.length < fitPoints / 2) {
    throw new Unusable(
      `of ${MOST_DRAWS * wanted} bursts all but ${tested.length + fitted.length} lost nearly nothing or everything`,
    );
  }
  const fit = fitQueue(fitted, options.longestPauseMs);
  const telling = tested.filter(isTelling);
  return {
    fit,
    resampled: resampledFits(fitted, options.longestPauseMs, options.resamples, random),
    fitted,
    tested,
    lossError: medianError(tested, fit),
    bufferError: telling.length > 0 ? median(telling.map((point) => bufferErrorOf(point, fit))) : null,
    telling: telling.length,
  };
}

function isTelling({ lossFraction }: LossPoint): boolean {
  return lossFraction > LITTLE && lossFraction < NEARLY_ALL;
}

/** Calls in flight from which on a pilot burst loses little. */
async function pilot(run: RunPoint): Promise<number> {
  for (const callsInFlight of PILOT_LADDER) {
    for (let tries = 0; tries < PILOT_TRIES; tries++) {
      const point = await run({ callsInFlight, burstCalls: PILOT_BURST, bursts: PILOT_BURSTS });
      if (point.lossFraction < LITTLE) return point.callsInFlight;
    }
  }
  return PILOT_LADDER.at(-1) as number;
}

function draw(largest: number, random: Random): PointPlan {
  const callsInFlight = Math.max(1, Math.round(largest / SPAN ** random.next()));
  const [least, most] = BURST_TIMES;
  const burstCalls = Math.min(MOST_BURST, Math.round(callsInFlight * least * (most / least) ** random.next()));
  return { callsInFlight, burstCalls: Math.max(2, burstCalls), bursts: BURSTS };
}

function bufferErrorOf({ load, callsInFlight, lossFraction }: LossPoint, fit: QueueFit): number {
  const predicted = bufferFor(load, fit, lossFraction);
  return predicted === null ? Number.POSITIVE_INFINITY : Math.abs(predicted / fit.bufferShare / callsInFlight - 1);
}
