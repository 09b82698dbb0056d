import { describe, expect, it } from 'vitest';
import { queueOf } from '../../harness/capacity/fit.ts';
import { lossOf } from '../../harness/capacity/queue-model.ts';
import { measureSurface, type PointPlan, type RunPoint } from '../../harness/capacity/surface.ts';
import { createRandom } from '../../harness/random.ts';

describe('the loss surface', () => {
  const truth = { servedPerS: 900_000, pauseMs: 0.3, bufferShare: 1.1 };
  const peakPerS = 2.4e6;
  const plans: PointPlan[] = [];
  // A mechanism that comes in steps.
  const callsHeld = (calls: number): number => Math.ceil(calls / 40) * 40;
  const run: RunPoint = async (plan) => {
    plans.push(plan);
    const load = { peakPerS, burstCalls: plan.burstCalls, intervalMs: 500, bursts: plan.bursts };
    const callsInFlight = callsHeld(plan.callsInFlight);
    return { load, callsInFlight, lossFraction: lossOf(load, queueOf(truth, callsInFlight)) };
  };

  it('tests the queue on points that were drawn before it was fitted, and finds that it holds', async () => {
    const surface = await measureSurface(run, {
      testPoints: 16,
      fitPoints: 24,
      resamples: 2,
      random: createRandom(8),
      longestPauseMs: 5,
    });
    expect([surface.tested.length, surface.fitted.length]).toEqual([16, 24]);
    expect(surface.telling).toBeGreaterThanOrEqual(10);
    expect(surface.lossError).toBeLessThan(0.01);
    expect(surface.bufferError).toBeLessThan(0.05);
    expect(surface.fit.servedPerS / truth.servedPerS).toBeCloseTo(1, 1);
    const ladder = plans.slice(0, plans.length - 40);
    expect(ladder.every(({ burstCalls, bursts }) => burstCalls === 20_000 && bursts === 3)).toBe(true);
    const again: PointPlan[] = [];
    const noted: RunPoint = (plan) => {
      again.push(plan);
      return run(plan);
    };
    await measureSurface(noted, {
      testPoints: 16,
      fitPoints: 24,
      resamples: 2,
      random: createRandom(8),
      longestPauseMs: 5,
    });
    expect(again).toEqual(plans.slice(0, again.length));
  });

  it('takes no buffer for too small because something else ran beside a burst of the pilot', async () => {
    const PILOT_BURST = 20_000;
    const largestAfter = async (...disturbed: number[]): Promise<number> => {
      const pilots: PointPlan[] = [];
      const noted: RunPoint = async (plan) => {
        const point = await run(plan);
        if (plan.burstCalls !== PILOT_BURST) return point;
        const loses = plan.callsInFlight < 640 || disturbed.includes(pilots.push(plan) - 1);
        return { ...point, lossFraction: loses ? 0.5 : 0 };
      };
      const random = createRandom(8);
      await measureSurface(noted, { testPoints: 16, fitPoints: 24, resamples: 0, random, longestPauseMs: 5 });
      return Math.max(...pilots.map((plan) => plan.callsInFlight));
    };
    // Only bursts into 640 calls and more are numbered.
    expect(await largestAfter()).toBe(640);
    expect(await largestAfter(0, 1)).toBe(640);
    expect(await largestAfter(0, 1, 2)).toBe(2560);
  });

  it('gives up where bursts lose nothing or everything, and says so', async () => {
    const all: RunPoint = async (plan) => ({ ...(await run(plan)), lossFraction: 1 });
    const options = {
      testPoints: 16,
      fitPoints: 24,
      resamples: 0,
      random: createRandom(8),
      longestPauseMs: 5,
    };
    await expect(measureSurface(all, options)).rejects.toThrow(/^of 320 bursts all but (1\d|20) lost nearly nothing/);
  });

  it('says how far off it is where a backend is no such queue', async () => {
    const random = createRandom(3);
    const odd: RunPoint = async (plan) => ({ ...(await run(plan)), lossFraction: random.next() });
    const surface = await measureSurface(odd, {
      testPoints: 16,
      fitPoints: 24,
      resamples: 2,
      random: createRandom(8),
      longestPauseMs: 5,
    });
    expect(surface.lossError).toBeGreaterThan(0.1);
  });
});
