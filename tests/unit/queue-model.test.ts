import { describe, expect, it } from 'vitest';
import { errorOf, fitQueue, type LossPoint, medianError, queueOf } from '../../harness/capacity/fit.ts';
import { type BurstLoad, bufferFor, lossOf, type Queue } from '../../harness/capacity/queue-model.ts';
import { createRandom } from '../../harness/random.ts';

const burst = (changed: Partial<BurstLoad> = {}): BurstLoad => ({
  peakPerS: 1e6,
  burstCalls: 10_000,
  intervalMs: 100,
  bursts: 10,
  ...changed,
});
const queue = (changed: Partial<Queue> = {}): Queue => ({
  servedPerS: 400_000,
  bufferCalls: 4000,
  pauseMs: 0,
  ...changed,
});

describe('the fluid queue', () => {
  it('loses of a burst what neither fits nor is served while it lasts', () => {
    // 10,000 in 10 ms, 4,000 served meanwhile, 4,000 kept.
    expect(lossOf(burst(), queue())).toBeCloseTo(0.2, 12);
    expect(lossOf(burst(), queue({ bufferCalls: 6000 }))).toBe(0);
    expect(lossOf(burst(), queue({ bufferCalls: 0 }))).toBeCloseTo(0.6, 12);
  });

  it('serves nothing until the collector wakes', () => {
    // 5 ms asleep: 5,000 come, 1,000 over the brim; then 5,000 come and 2,000 are served.
    expect(lossOf(burst(), queue({ pauseMs: 5 }))).toBeCloseTo((1000 + 3000) / 10_000, 12);
    expect(lossOf(burst(), queue({ pauseMs: 50 }))).toBeCloseTo(0.6, 12);
  });

  it('sleeps again whenever it has emptied the buffer, also in the midst of a burst', () => {
    // Serves twice what comes: 2,000 come in each period of 2 ms, a buffer of 500 loses 1,500, and 0.5 ms later it is empty.
    const fast = queue({ servedPerS: 2e6, bufferCalls: 500, pauseMs: 1 });
    const long = burst({ burstCalls: 250_000, intervalMs: 1000 });
    expect(lossOf(long, fast)).toBeCloseTo(1500 / 2500, 2);
    expect(lossOf(long, { ...fast, bufferCalls: 2000 })).toBe(0);
    // Nothing is lost by one that is awake all the time.
    expect(lossOf(long, { ...fast, pauseMs: 0 })).toBe(0);
  });

  it('carries over what is not served before the next burst, and does not sleep then', () => {
    // 4,000 kept, 40 ms apart with 30 ms of rest: emptied. With 5 ms: 2,000 served, 2,000 still there.
    expect(lossOf(burst({ intervalMs: 40 }), queue())).toBeCloseTo(0.2, 12);
    expect(lossOf(burst({ intervalMs: 15 }), queue())).toBeCloseTo((2000 + 9 * 4000) / 100_000, 12);
    // The first burst finds it asleep, the others find it at work.
    expect(lossOf(burst({ intervalMs: 15, bursts: 2 }), queue({ pauseMs: 1 }))).toBeCloseTo((2400 + 4000) / 20_000, 12);
  });

  it('loses of a load that is always on all that is above the service rate, once the buffer is full', () => {
    const on = burst({ burstCalls: 10_000_000, intervalMs: 10_000, bursts: 1 });
    expect(lossOf(on, queue())).toBeCloseTo(0.6 - 4000 / 1e7, 9);
    expect(lossOf({ ...on, peakPerS: 400_000 }, queue())).toBe(0);
  });

  // Not so of a slower collector: one that is never done never sleeps.
  it('never loses less with a smaller buffer', () => {
    const random = createRandom(5);
    const between = (low: number, high: number): number => low * (high / low) ** random.next();
    for (let i = 0; i < 500; i++) {
      const load = burst({
        peakPerS: between(1e4, 5e6),
        burstCalls: between(10, 1e6),
        intervalMs: 0,
        bursts: 1 + random.int(20),
      });
      const spaced = { ...load, intervalMs: ((load.burstCalls * 1000) / load.peakPerS) * between(1, 20) };
      const q = { servedPerS: between(1e3, 1e7), bufferCalls: between(1, 1e6), pauseMs: between(0.01, 100) };
      const loss = lossOf(spaced, q);
      expect(loss).toBeGreaterThanOrEqual(0);
      expect(loss).toBeLessThanOrEqual(1);
      expect(lossOf(spaced, { ...q, bufferCalls: q.bufferCalls / 2 })).toBeGreaterThanOrEqual(loss - 1e-12);
    }
  });
});

describe('the buffer that is needed', () => {
  it('is the smallest that loses no more than is tolerated', () => {
    expect(bufferFor(burst(), queue(), 0)).toBe(6000);
    expect(bufferFor(burst(), queue(), 0.1)).toBe(5000);
    // Asleep for up to 9 ms: 9,000 come, then 1,000 more of which 400 are served.
    expect(bufferFor(burst(), queue({ pauseMs: 5 }), 0)).toBe(9600);
    expect(bufferFor(burst(), queue(), 0.99)).toBe(0);
    for (const loss of [0, 0.01, 0.3]) {
      const calls = bufferFor(burst(), queue(), loss) ?? Number.NaN;
      expect(lossOf(burst(), queue({ bufferCalls: calls }))).toBeLessThanOrEqual(loss + 1e-9);
      expect(lossOf(burst(), queue({ bufferCalls: calls * 0.99 }))).toBeGreaterThan(loss);
    }
  });

  it('does not exist where more comes than is served', () => {
    expect(bufferFor(burst({ intervalMs: 20 }), queue(), 0)).toBeNull();
    expect(bufferFor(burst({ intervalMs: 20 }), queue(), 0.25)).not.toBeNull();
  });
});

describe('the fit', () => {
  const truth = { servedPerS: 730_000, pauseMs: 0.42, bufferShare: 0.93 };
  const random = createRandom(11);
  const points = (n: number, noise: number): LossPoint[] =>
    Array.from({ length: n }, () => {
      const callsInFlight = Math.round(300 * 100 ** random.next());
      const load = burst({
        peakPerS: 2.6e6,
        burstCalls: Math.round(callsInFlight * (1 + 9 * random.next())),
        intervalMs: 200,
        bursts: 5,
      });
      const exact = lossOf(load, queueOf(truth, callsInFlight));
      return { load, callsInFlight, lossFraction: Math.max(0, exact + noise * (random.next() - 0.5)) };
    });

  it('finds the queue again, and predicts points that it has not seen', () => {
    const fit = fitQueue(points(15, 0), 5);
    expect(fit.servedPerS / truth.servedPerS).toBeCloseTo(1, 1);
    expect(fit.bufferShare / truth.bufferShare).toBeCloseTo(1, 1);
    expect(medianError(points(15, 0), fit)).toBeLessThan(0.01);
  });

  it('is not held by a queue that is nearly as good: a longer or shorter sleep before another server', () => {
    for (const seed of [3, 13, 20, 22, 27, 44]) {
      const drawn = createRandom(seed);
      const between = (low: number, high: number): number => low * (high / low) ** drawn.next();
      const hidden = {
        servedPerS: between(3e5, 1e7),
        pauseMs: between(0.02, 1),
        bufferShare: between(0.7, 1.5),
      };
      const exact = Array.from({ length: 24 }, (): LossPoint => {
        const callsInFlight = Math.round(between(100, 5000));
        const burstCalls = Math.round(callsInFlight * between(1.2, 8));
        const peakPerS = between(1e6, 3e6);
        const load = { peakPerS, burstCalls, intervalMs: (5 * burstCalls * 1000) / peakPerS + 20, bursts: 12 };
        return { load, callsInFlight, lossFraction: lossOf(load, queueOf(hidden, callsInFlight)) };
      });
      const fit = fitQueue(exact, 5);
      expect(Math.max(...exact.map((point) => Math.abs(errorOf(point, fit)))), `seed ${seed}`).toBeLessThan(0.005);
      expect(fit.pauseMs / hidden.pauseMs, `seed ${seed}`).toBeCloseTo(1, 1);
    }
  });

  it('bears noise', () => {
    expect(medianError(points(30, 0), fitQueue(points(15, 0.06), 5))).toBeLessThan(0.02);
  });

  it('tells by its error what the model does not describe', () => {
    const odd = points(20, 0).map((point, i) => ({ ...point, lossFraction: i % 2 ? 0.9 : 0.05 }));
    expect(medianError(odd, fitQueue(odd, 5))).toBeGreaterThan(0.05);
    const [first] = odd;
    expect(errorOf(first as LossPoint, truth)).toBeCloseTo(
      lossOf((first as LossPoint).load, queueOf(truth, (first as LossPoint).callsInFlight)) - 0.05,
      12,
    );
  });

  it('takes no pause for longer than the collector may sleep', () => {
    // Bursts that nothing is served of: any pause beyond them fits as well.
    const all = points(15, 0).map((point) => ({
      ...point,
      lossFraction: 1 - point.callsInFlight / point.load.burstCalls,
    }));
    expect(fitQueue(all, 0.2).pauseMs).toBeLessThanOrEqual(0.2 + 1e-9);
    expect(fitQueue(all, 50).pauseMs).toBeLessThanOrEqual(50 + 1e-9);
  });

  it('needs points', () => {
    expect(() => fitQueue([], 5)).toThrow(RangeError);
  });
});
