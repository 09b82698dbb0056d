import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../harness/random.ts';
import { binomialCdf } from '../../harness/statistics/binomial.ts';
import {
  accelerationOf,
  bcaFromReplicates,
  bcaInterval,
  bcaMedian,
  biasOf,
  ratioOfAdded,
} from '../../harness/statistics/bootstrap.ts';
import { mad, median, quantile } from '../../harness/statistics/describe.ts';
import { holm, mannWhitney, signTest } from '../../harness/statistics/hypothesis.ts';
import { normalQuantile } from '../../harness/statistics/normal.ts';
import {
  contains,
  mapInterval,
  orderInterval,
  orderRank,
  ratioInterval,
} from '../../harness/statistics/order-interval.ts';
import { consecutiveLogRatios, minimumDetectableEffect, proportionality } from '../../harness/statistics/power.ts';
import { leastPValue } from '../../harness/statistics/rank-sum.ts';
import { detectableShift, hodgesLehmann } from '../../harness/statistics/shift.ts';
import { mannKendall } from '../../harness/statistics/trend.ts';

interface Golden {
  quantile: { x: number[]; p: number[]; q: number[]; mad: number }[];
  binomialCdf: { k: number; n: number; p: number; cdf: number }[];
  signTest: { positive: number; n: number; p: number }[];
  mannWhitney: {
    x: number[];
    y: number[];
    u: number;
    results: { alternative: 'two-sided' | 'less' | 'greater'; method: 'exact' | 'asymptotic'; p: number }[];
  }[];
  bca: {
    x: number[];
    confidence: number;
    estimate: number;
    jackknife: number[];
    replicates: number[];
    bias: number;
    acceleration: number;
    low: number;
    high: number;
    meanLow: number;
    meanHigh: number;
  }[];
  ratioOfAdded: { a: number[]; b: number[]; none: number[]; estimate: number; low: number; high: number };
  holm: { p: number[]; adjusted: number[] };
  trend: { x: number[]; s: number; p: number }[];
  orderInterval: { x: number[]; confidence: number; low: number; high: number; coverage: number }[];
  shift: {
    x: number[];
    y: number[];
    confidence: number;
    estimate: number;
    low: number | null;
    high: number | null;
    coverage: number;
  }[];
}

/** Made by statistics-golden.py with scipy 1.17.1. */
const golden: Golden = JSON.parse(
  readFileSync(new URL('../fixtures/statistics-golden.json', import.meta.url), 'utf8'),
) as Golden;

const positive = fc.double({ min: 1e-3, max: 1e9, noNaN: true });
const pairs = (min: number) => fc.array(fc.tuple(positive, positive), { minLength: min, maxLength: 40 });

/** Standard normal draws. */
function normals(seed: number): () => number {
  const random = createRandom(seed);
  return () => normalQuantile(Math.max(1e-12, random.next()));
}

describe('against scipy', () => {
  it('quantile (type 7) and MAD', () => {
    for (const { x, p, q, mad: spread } of golden.quantile) {
      p.forEach((at, i) => {
        expect(quantile(x, at)).toBeCloseTo(q[i] as number, 12);
      });
      expect(mad(x)).toBeCloseTo(spread, 12);
    }
  });

  it('binomial distribution', () => {
    for (const { k, n, p, cdf } of golden.binomialCdf) expect(binomialCdf(k, n, p)).toBeCloseTo(cdf, 11);
  });

  it('sign test', () => {
    for (const { positive: up, n, p } of golden.signTest) {
      const differences = Array.from({ length: n }, (_, i) => (i < up ? 1 : -1));
      expect(signTest(differences)).toBeCloseTo(p, 12);
      expect(signTest([...differences, 0, 0])).toBeCloseTo(p, 12);
    }
  });

  it('Mann–Whitney, exact and asymptotic, with and without ties', () => {
    for (const { x, y, u, results } of golden.mannWhitney) {
      for (const { alternative, method, p } of results) {
        const ours = mannWhitney(x, y, { alternative, method });
        expect(ours.u).toBe(u);
        expect(ours.pValue / p).toBeCloseTo(1, 9);
      }
    }
  });

  it('BCa bounds from the same replicates', () => {
    for (const g of golden.bca) {
      const ours = bcaFromReplicates(g.estimate, g.jackknife, Float64Array.from(g.replicates), g.confidence);
      expect(ours.low).toBeCloseTo(g.low, 10);
      expect(ours.high).toBeCloseTo(g.high, 10);
    }
  });

  it('bias and acceleration of BCa', () => {
    for (const g of golden.bca) {
      expect(biasOf(g.estimate, Float64Array.from(g.replicates))).toBeCloseTo(g.bias, 9);
      expect(accelerationOf(g.jackknife)).toBeCloseTo(g.acceleration, 12);
    }
    // A median's leave-one-out values are often symmetric; these are not.
    expect(golden.bca.some((g) => Math.abs(g.acceleration) > 1e-3)).toBe(true);
  });

  it('order-statistic interval of the median, with its exact coverage', () => {
    for (const g of golden.orderInterval) {
      const ours = orderInterval(g.x, g.confidence);
      expect([ours.low, ours.high]).toEqual([g.low, g.high]);
      expect(ours.confidence).toBeCloseTo(g.coverage, 12);
    }
  });

  it('Hodges–Lehmann shift, its interval by asking the exact test at every shift', () => {
    for (const g of golden.shift) {
      const ours = hodgesLehmann(g.x, g.y, g.confidence);
      expect(ours.estimate).toBeCloseTo(g.estimate, 12);
      expect(ours.low).toBeCloseTo(g.low as number, 12);
      expect(ours.high).toBeCloseTo(g.high as number, 12);
      expect(ours.confidence).toBeCloseTo(g.coverage, 12);
    }
  });

  it('BCa of a mean from our own replicates, within resampling error', () => {
    for (const g of golden.bca) {
      const mean = (indices: Int32Array) => indices.reduce((sum, i) => sum + (g.x[i] as number), 0) / indices.length;
      const ours = bcaInterval(g.x.length, mean, { seed: 7, resamples: 40_000, confidence: g.confidence });
      const width = g.meanHigh - g.meanLow;
      expect(Math.abs((ours.low as number) - g.meanLow) / width).toBeLessThan(0.03);
      expect(Math.abs((ours.high as number) - g.meanHigh) / width).toBeLessThan(0.03);
    }
  });

  it('ratio of added medians, rounds resampled jointly', () => {
    const g = golden.ratioOfAdded;
    const ours = ratioOfAdded(g.a, g.b, g.none, { seed: 3, resamples: 20_000 });
    expect(ours.estimate).toBeCloseTo(g.estimate, 12);
    // Medians of 20 rounds jump from value to value, so the bounds agree to such a step, not to digits.
    expect(Math.abs((ours.low as number) - g.low)).toBeLessThan(0.02);
    expect(Math.abs((ours.high as number) - g.high)).toBeLessThan(0.02);
  });

  it('Holm', () => {
    holm(golden.holm.p).forEach((p, i) => {
      expect(p).toBeCloseTo(golden.holm.adjusted[i] as number, 12);
    });
  });
});

describe('order-statistic interval', () => {
  it('is [min, max] at 6 rounds, with 96.9 % coverage', () => {
    expect(orderInterval([5, 1, 4, 2, 6, 3])).toEqual({
      estimate: 3.5,
      low: 1,
      high: 6,
      confidence: 0.96875,
      n: 6,
      method: 'order-statistic',
    });
  });

  it('does not exist below 6 rounds, and says so', () => {
    for (let n = 1; n < 6; n++) {
      const values = Array.from({ length: n }, (_, i) => i);
      expect(orderInterval(values)).toMatchObject({ low: null, high: null, confidence: 0, method: 'none', n });
    }
    expect(() => orderInterval([])).toThrow(RangeError);
  });

  it('drops values from both ends as soon as coverage allows', () => {
    // The ranks of every textbook's table for the median.
    const ranks = { 6: 1, 8: 1, 9: 2, 11: 2, 12: 3, 14: 3, 15: 4, 17: 5, 20: 6, 25: 8, 30: 10, 50: 18, 100: 40 };
    for (const [n, rank] of Object.entries(ranks)) expect(orderRank(Number(n))?.rank).toBe(rank);
    for (let n = 6; n < 200; n++) expect(orderRank(n)?.coverage).toBeGreaterThanOrEqual(0.95);
  });

  it('contains its estimate, whatever the order of the values', () => {
    fc.assert(
      fc.property(pairs(6), fc.nat(), (list, seed) => {
        const interval = ratioInterval(list);
        expect(contains(interval, interval.estimate)).toBe(true);
        expect(ratioInterval(createRandom(seed).shuffle(list))).toEqual(interval);
      }),
    );
  });

  it('scales with its values, and turns over when the sides are swapped', () => {
    fc.assert(
      fc.property(pairs(6), fc.double({ min: 0.01, max: 100, noNaN: true }), (list, factor) => {
        const plain = ratioInterval(list);
        const scaled = ratioInterval(list.map(([a, b]) => [a * factor, b]));
        const swapped = ratioInterval(list.map(([a, b]) => [b, a]));
        for (const end of ['estimate', 'low', 'high'] as const) {
          expect((scaled[end] as number) / (factor * (plain[end] as number))).toBeCloseTo(1, 9);
        }
        expect((swapped.low as number) * (plain.high as number)).toBeCloseTo(1, 9);
        expect((swapped.high as number) * (plain.low as number)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('covers the median as often as it claims, n = 6 … 20', () => {
    const draw = normals(11);
    const repeats = 2000;
    for (let n = 6; n <= 20; n++) {
      let covered = 0;
      for (let r = 0; r < repeats; r++) {
        // Skewed on purpose: e^x has median 1, and the claim holds for any distribution.
        if (contains(orderInterval(Array.from({ length: n }, () => Math.exp(draw()))), 1)) covered++;
      }
      const claimed = orderRank(n)?.coverage as number;
      const error = Math.sqrt((claimed * (1 - claimed)) / repeats);
      expect(Math.abs(covered / repeats - claimed), `n = ${n}`).toBeLessThan(4 * error);
    }
  });

  it('refuses a ratio of anything but durations', () => {
    expect(() => ratioInterval([[1, 0]])).toThrow(RangeError);
    expect(() => ratioInterval([[-1, 2]])).toThrow(/-1 and 2/);
    expect(mapInterval(orderInterval([1]), Math.exp)).toMatchObject({ estimate: Math.E, low: null, high: null });
  });
});

describe('BCa bootstrap', () => {
  it('is repeatable from its seed, and absent below 10 rounds', () => {
    const values = golden.bca[0]?.x as number[];
    expect(bcaMedian(values, { seed: 5 })).toEqual(bcaMedian(values, { seed: 5 }));
    expect(bcaMedian(values, { seed: 5 })?.method).toBe('bca');
    expect(bcaMedian(values.slice(0, 9), { seed: 5 })).toBeNull();
  });

  it('contains the estimate and scales with its values', () => {
    const list = fc.array(positive, { minLength: 10, maxLength: 25 });
    fc.assert(
      fc.property(list, fc.constantFrom(2, 0.25, 1024), (values, factor) => {
        const plain = bcaMedian(values, { seed: 1, resamples: 500 });
        const scaled = bcaMedian(
          values.map((v) => v * factor),
          { seed: 1, resamples: 500 },
        );
        if (!plain || !scaled) throw new Error('no interval');
        expect(contains(plain, plain.estimate)).toBe(true);
        // Powers of two scale without rounding.
        expect(scaled.low).toBe((plain.low as number) * factor);
        expect(scaled.high).toBe((plain.high as number) * factor);
      }),
      { numRuns: 50 },
    );
  });

  it('collapses on constant values instead of dividing by nothing', () => {
    expect(bcaMedian(new Array(12).fill(3), { seed: 1, resamples: 200 })).toMatchObject({
      low: 3,
      estimate: 3,
      high: 3,
    });
  });

  it('covers a median of 20 rounds in 92–99 % of studies', () => {
    const draw = normals(23);
    let covered = 0;
    for (let r = 0; r < 400; r++) {
      const values = Array.from({ length: 20 }, draw);
      const interval = bcaMedian(values, { seed: r, resamples: 400 });
      if (interval && contains(interval, 0)) covered++;
    }
    expect(covered / 400).toBeGreaterThan(0.9);
    expect(covered / 400).toBeLessThan(0.99);
  });

  it('leaves a ratio open upwards when its denominator may be nothing', () => {
    const none = Array.from({ length: 12 }, (_, i) => 100 + i);
    const a = none.map((t) => t + 50);
    const b = none.map((t, i) => t + (i % 3 === 0 ? -5 : 5));
    const interval = ratioOfAdded(a, b, none, { seed: 1, resamples: 2000 });
    expect(interval.estimate).toBe(10);
    expect(interval.high).toBeNull();
    expect(() => ratioOfAdded(a, none, none, { seed: 1 })).toThrow(/adds nothing/);
    expect(() => ratioOfAdded(a, b, none.slice(1), { seed: 1 })).toThrow(/do not pair/);
  });
});

describe('tests', () => {
  it('Holm never adjusts downwards, never past 1, and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (p) => {
        const adjusted = holm(p);
        p.forEach((raw, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(raw);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          p.forEach((other, j) => {
            if (raw <= other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] as number);
          });
        });
      }),
    );
  });

  it('Mann–Whitney is symmetric, and picks its method by ties', () => {
    const x = [1, 2, 3, 10];
    const y = [4, 5, 6, 7, 8];
    expect(mannWhitney(x, y).pValue).toBe(mannWhitney(y, x).pValue);
    expect(mannWhitney(x, y).method).toBe('exact');
    expect(mannWhitney([1, 2], [2, 3]).method).toBe('asymptotic');
    expect(mannWhitney([2, 2], [2, 2]).pValue).toBe(1);
    expect(() => mannWhitney([1, 2], [2, 3], { method: 'exact' })).toThrow(/ties/);
    expect(() => mannWhitney([], [1])).toThrow(RangeError);
  });

  it('the shift turns over when the lists are swapped, moves with them, and leaves 0 out when the test rejects', () => {
    const list = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 5, maxLength: 14 });
    fc.assert(
      fc.property(list, list, fc.integer({ min: -50, max: 50 }), (x, y, by) => {
        const there = hodgesLehmann(x, y);
        const back = hodgesLehmann(y, x);
        expect(back.estimate).toBeCloseTo(-there.estimate, 9);
        expect(back.low).toBeCloseTo(-(there.high as number), 9);
        const moved = hodgesLehmann(
          x,
          y.map((v) => v + by),
        );
        expect(moved.low).toBeCloseTo((there.low as number) + by, 9);
        expect(there.low as number).toBeLessThanOrEqual(there.estimate);
        if (new Set([...x, ...y]).size < x.length + y.length) return;
        const without0 = (there.low as number) > 0 || (there.high as number) < 0;
        expect(mannWhitney(x, y).pValue <= 0.05).toBe(without0);
      }),
    );
  });

  it('knows the least p that lists of some length can have', () => {
    for (const [m, n] of [
      [3, 3],
      [6, 6],
      [8, 12],
    ] as const) {
      const x = Array.from({ length: m }, (_, i) => i);
      const y = Array.from({ length: n }, (_, i) => 100 + i);
      expect(mannWhitney(x, y).pValue).toBeCloseTo(leastPValue(m, n), 14);
    }
    expect(hodgesLehmann([1, 2, 3], [4, 5, 6])).toMatchObject({ estimate: 3, low: null, high: null, confidence: 0 });
    expect(detectableShift([1, 2, 3], [4, 5, 6], 0.05)).toBeNull();
  });

  it('sign test of nothing but zeros knows nothing', () => {
    expect(signTest([0, 0, 0])).toBe(1);
    expect(signTest([])).toBe(1);
  });
});

describe('what a study could have seen', () => {
  it('detects an effect of the stated size four times in five', () => {
    const draw = normals(31);
    const sigma = 0.02;
    for (const rounds of [6, 10, 20]) {
      const many = Array.from({ length: 20_001 }, () => sigma * draw());
      const effect = minimumDetectableEffect(many, rounds) as number;
      let seen = 0;
      for (let r = 0; r < 2000; r++) {
        const list = Array.from({ length: rounds }, () => Math.log1p(effect) + sigma * draw());
        if ((orderInterval(list).low as number) > 0) seen++;
      }
      expect(Math.abs(seen / 2000 - 0.8), `${rounds} rounds`).toBeLessThan(0.05);
    }
  });

  it('detects a shift of the stated size between two studies at least four times in five', () => {
    const draw = normals(37);
    for (const [rounds, alpha] of [
      [6, 0.01],
      [8, 0.002],
      [12, 0.001],
    ] as const) {
      const lists = () => [Array.from({ length: rounds }, draw), Array.from({ length: rounds }, draw)] as const;
      // As a study does, each time from its own few rounds: the middle one of what it states.
      const stated = median(Array.from({ length: 101 }, () => detectableShift(...lists(), alpha) as number));
      let seen = 0;
      for (let r = 0; r < 1000; r++) {
        const [x, y] = lists();
        const shifted = y.map((v) => v + stated);
        if (mannWhitney(x, shifted).pValue <= alpha) seen++;
      }
      // The larger of two estimates: somewhat more often than stated.
      expect(seen / 1000, `${rounds} rounds`).toBeGreaterThan(0.76);
      expect(seen / 1000, `${rounds} rounds`).toBeLessThan(0.95);
    }
  });

  it('needs more of a shift where there are outliers', () => {
    const draw = normals(43);
    const clean = Array.from({ length: 12 }, draw);
    const other = Array.from({ length: 12 }, draw);
    const spoilt = [...clean.slice(4), 40, 45, 50, 55];
    const without = detectableShift(clean, other, 0.003) as number;
    expect(detectableShift(spoilt, other, 0.003)).toBeGreaterThan(5 * without);
    expect(detectableShift(clean, other, 0.003)).toBe(without);
  });

  it('agrees with the normal approximation where lists are long', () => {
    const draw = normals(41);
    const x = Array.from({ length: 50 }, draw);
    const y = Array.from({ length: 50 }, draw);
    const exact = detectableShift(x, y, 0.01) as number;
    const long = detectableShift([...x, ...x], [...y, ...y], 0.01) as number;
    expect(long / exact).toBeCloseTo(Math.SQRT1_2, 1);
  });

  it('says nothing without an interval or without noise to go by', () => {
    expect(minimumDetectableEffect([0.1, -0.1], 5)).toBeNull();
    expect(minimumDetectableEffect([], 10)).toBeNull();
    expect(minimumDetectableEffect([0, 0, 0], 10)).toBe(0);
  });

  it('takes pairs of consecutive values', () => {
    const [up, down] = consecutiveLogRatios([100, 200, 50]);
    expect(up).toBeCloseTo(Math.log(2), 12);
    expect(down).toBeCloseTo(-Math.log(4), 12);
  });

  it('sees work that does not cost the same twice', () => {
    expect(proportionality({ work: 100, time: 7 }, { work: 200, time: 14 })).toBeCloseTo(1, 12);
    expect(proportionality({ work: 100, time: 7 }, { work: 1000, time: 70 })).toBeCloseTo(1, 12);
    expect(proportionality({ work: 100, time: 1 }, { work: 400, time: 16 })).toBeCloseTo(4, 12);
    expect(() => proportionality({ work: 5, time: 1 }, { work: 5, time: 1 })).toThrow(RangeError);
  });
});

describe('trend', () => {
  it('of values in order, against scipy', () => {
    for (const { x, s, p } of golden.trend) {
      const ours = mannKendall(x);
      expect(ours.s).toBe(s);
      expect(ours.pValue / p).toBeCloseTo(1, 9);
    }
  });

  it('is surest when all go one way, and knows nothing of what does not move', () => {
    expect(mannKendall([1, 2, 3, 4, 5, 6]).pValue).toBeCloseTo(2 / 720, 12);
    expect(mannKendall([6, 5, 4, 3, 2, 1])).toEqual({ s: -15, pValue: mannKendall([1, 2, 3, 4, 5, 6]).pValue });
    expect(mannKendall([3, 3, 3, 3])).toEqual({ s: 0, pValue: 1 });
  });
});

describe('random', () => {
  it('repeats from its seed and differs between seeds, also above 2^32', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed).next);
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
    expect(draw(42)).not.toEqual(draw(42 + 2 ** 32));
    expect(() => createRandom(-1)).toThrow(RangeError);
    expect(() => createRandom(1.5)).toThrow(RangeError);
  });

  it('draws evenly', () => {
    const random = createRandom(9);
    const hits = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) {
      const k = random.int(7);
      hits[k] = (hits[k] as number) + 1;
    }
    for (const h of hits) expect(Math.abs(h - 10_000)).toBeLessThan(500);
    let sum = 0;
    for (let i = 0; i < 10_000; i++) {
      const x = random.next();
      expect(x >= 0 && x < 1).toBe(true);
      sum += x;
    }
    expect(Math.abs(sum / 10_000 - 0.5)).toBeLessThan(0.02);
    expect(() => random.int(0)).toThrow(RangeError);
  });

  it('shuffles a copy, every order about as often', () => {
    const random = createRandom(4);
    const items = [1, 2, 3];
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = random.shuffle(items).join();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(items).toEqual([1, 2, 3]);
    expect(seen.size).toBe(6);
    for (const times of seen.values()) expect(Math.abs(times - 1000)).toBeLessThan(150);
  });

  it('loses nothing in a shuffle', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const by = (a: number, b: number) => a - b;
        expect(createRandom(seed).shuffle(items).sort(by)).toEqual([...items].sort(by));
      }),
    );
  });

  it('median stays between the middle values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([1, 2])).toBe(1.5);
    expect(median([Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Number.MAX_VALUE);
    expect(() => median([])).toThrow(RangeError);
  });
});
