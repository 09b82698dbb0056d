import { describe, expect, it } from 'vitest';
import { createRandom } from '../../harness/random.ts';
import { normalQuantile } from '../../harness/statistics/normal.ts';
import { contains, ratioInterval } from '../../harness/statistics/order-interval.ts';
import { Precision, type Widest } from '../../harness/study/precision.ts';
import { blockProgress, lineProgress } from '../../harness/study/progress.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { fixturePlan, fixtureStudy, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

const plan = fixturePlan({ workloads: ['null'], variants: ['ebpf'], rounds: 6 });
const CELL = 'null/1900000/ebpf';
const round = (ratio: number): Map<string, number> =>
  new Map([
    [CELL, 100 * ratio],
    ['null/1900000/none', 100],
  ]);
const MOST = 80;

/** Rounds of noise around a ratio of 1 until `stop` says so; whether the interval of those rounds covers it. */
function coverage(draw: () => number, stop: (precision: Precision, rounds: number) => boolean, target: number) {
  const studies = 1000;
  let covered = 0;
  let rounds = 0;
  for (let study = 0; study < studies; study++) {
    const precision = new Precision(plan, target);
    const pairs: [number, number][] = [];
    do {
      const ratio = Math.exp(draw());
      pairs.push([ratio, 1]);
      precision.add(round(ratio));
    } while (pairs.length < 6 || (pairs.length < MOST && !stop(precision, pairs.length)));
    if (contains(ratioInterval(pairs), 1)) covered++;
    rounds += pairs.length;
  }
  return { share: covered / studies, rounds: rounds / studies };
}

describe('rounds until the interval is narrow enough', () => {
  const random = createRandom(17);
  const normal = () => normalQuantile(Math.max(1e-12, random.next()));
  const noises: [string, () => number][] = [
    ['normal noise', () => 0.02 * normal()],
    ['noise with outliers', () => 0.02 * normal() * (random.next() < 0.1 ? 8 : 1)],
    ['skewed noise', () => 0.02 * Math.expm1(0.8 * normal())],
  ];

  it.each(noises)('keep the coverage of the interval: %s', (_, draw) => {
    const { share, rounds } = coverage(draw, (precision, n) => precision.reached(n), 0.01);
    expect(rounds).toBeGreaterThan(12);
    expect(rounds).toBeLessThan(MOST * 0.9);
    // 95 % and what 1,000 studies may be off by: three standard deviations.
    expect(share).toBeGreaterThan(0.95 - 0.021);
  });

  it('would lose some of it, ended by the first interval that happens to be narrow', () => {
    const pairs: [number, number][] = [];
    const naive = coverage(
      () => {
        const value = 0.02 * normal();
        pairs.push([Math.exp(value), 1]);
        return value;
      },
      (_, n) => {
        const { low, high } = ratioInterval(pairs.slice(-n));
        return ((high ?? 9) - (low ?? 0)) / 2 <= 0.01;
      },
      0.01,
    );
    expect(naive.share).toBeLessThan(0.94);
  });
});

describe('looking', () => {
  it('every fourth round from the eighth, or from the rounds asked for', () => {
    const at = (rounds: number) => {
      const precision = new Precision({ ...plan, rounds }, 0.5);
      return Array.from({ length: 20 }, (_, i) => {
        precision.add(round(1 + i / 1000));
        return precision.reached(i + 1) ? i + 1 : 0;
      }).filter((n) => n > 0);
    };
    expect(at(6)).toEqual([8, 12, 16, 20]);
    expect(at(10)).toEqual([10, 14, 18]);
  });

  it('waits for the widest cell, and for none that never has a pair', () => {
    const two = fixturePlan({ workloads: ['null'], variants: ['ebpf', 'ebpf/enter', 'ptrace'], rounds: 6 });
    const precision = new Precision(two, 0.02);
    for (let i = 0; i < 8; i++) {
      precision.add(new Map([...round(2 + i / 1000), ['null/1900000/ebpf/enter', 200 + 8 * i]]));
    }
    expect(precision.widest()).toEqual({ cellId: 'null/1900000/ebpf/enter', halfWidth: expect.closeTo(0.123, 2) });
    expect(precision.reached(8)).toBe(false);
  });
});

describe('progress', () => {
  const asked = { ...plan, untilHalfWidth: 0.02 };
  const figures = round(2);
  const ended = (widest: Widest | null) => ({ round: 9, warmup: false, figures, widest });

  it('names the widest cell in a log', () => {
    let text = '';
    const progress = lineProgress({ write: (part: string) => (text += part) }, () => 0);
    progress.begin(asked);
    progress.roundStarted({ round: 9, warmup: false, trials: 2 });
    progress.roundEnded(ended({ cellId: CELL, halfWidth: 0.0314 }));
    expect(text).toMatch(
      /^round 9 \(until ± 2%\): 2 of 2 trials, .*, widest null\/1900000\/ebpf ± 3\.1 % of ± 2% asked for\n$/,
    );
  });

  it('and on a terminal', () => {
    let text = '';
    const progress = blockProgress({ write: (part: string) => (text += part), columns: 120, rows: 24 }, () => 0);
    progress.begin(asked);
    progress.roundEnded(ended({ cellId: CELL, halfWidth: null }));
    expect(text).toContain('\n  widest null/1900000/ebpf no interval yet of ± 2% asked for\n');
    progress.roundEnded(ended(null));
    expect(text.slice(text.lastIndexOf('\x1b'))).not.toContain('widest');
  });
});

describe('a study that was to be known so well', () => {
  const studyOf = (untilHalfWidth: number) => {
    const { study } = fixtureStudy({ workloads: ['null'], variants: ['ebpf'] });
    return { ...study, plan: { ...study.plan, untilHalfWidth } };
  };

  it('says which cells are not', () => {
    const flagsAt = (asked: number) => {
      const head = studyOf(asked);
      const trials = fixtureTrials(head.plan);
      return summarise(head, trials, { variants: fixtureVariants, reference: 'ebpf' }).flags;
    };
    expect(flagsAt(0.5)).toEqual([]);
    expect(flagsAt(1e-6)).toEqual([
      {
        code: 'wider-than-asked',
        text: expect.stringMatching(/slowdown of null\/1900000\/ebpf is not known to ± 0.0001%:/),
      },
    ]);
  });
});
