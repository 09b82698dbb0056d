/** compare: what it must flag, and what it must not. */
import { join } from 'node:path';
import { compareStudies } from '../../harness/compare/index.ts';
import type { LoadedStudy } from '../../harness/compare/load.ts';
import type { Change, StudyComparison } from '../../harness/compare/result.ts';
import { projectRoot } from '../../harness/paths.ts';
import { createRandom } from '../../harness/random.ts';
import { binomialCdf } from '../../harness/statistics/binomial.ts';
import { median } from '../../harness/statistics/describe.ts';
import type { Check, Line } from '../check.ts';
import { parted, slowed } from './resamples.ts';
import { slowerWorkload } from './slower-workload.ts';
import { runStudy } from './study.ts';

/** Short sections: that compare is right about noise shows where there is some. */
const SHORT = ['--backends', 'none,ebpf,ptrace', '--workloads', 'null,file', '--calls', '20000'];
const RESAMPLES = 1000;
const RESAMPLED_ROUNDS = 40;
const PAIRS = 20;
const PAIR_ROUNDS = 8;
const RED_AT_MOST = 2;

/** Without a threshold: what holds back is the statistics alone. */
const BARE = { threshold: 0, lossThreshold: 0.001, across: false, requireSameCells: false };
const USUAL = { ...BARE, threshold: 0.05 };

function changesOf({ cells }: StudyComparison, outcomes: readonly Change['outcome'][]): string[] {
  return cells.flatMap(({ cellId, changes }) =>
    changes.filter(({ outcome }) => outcomes.includes(outcome)).map(({ quantity }) => `${quantity} of ${cellId}`),
  );
}

export const compareResamples: Check = {
  name: 'compare-resamples',
  title: `a study's rounds parted ${RESAMPLES} times: twice the minimum detectable effect flagged in ≥ 95 %, false alarms ≤ 5 %`,
  run: async ({ seed, scratch, say }) => {
    say(`compare-resamples: a study of ${RESAMPLED_ROUNDS} rounds`);
    const rounds = ['--rounds', String(RESAMPLED_ROUNDS), '--seed', String(seed)];
    return resampled(await runStudy(projectRoot, join(scratch, 'study'), [...SHORT, ...rounds]), seed);
  },
};

/** Exported for a study that is there already. */
export function resampled(study: LoadedStudy, seed: number): Line[] {
  const random = createRandom(seed);
  const traced = study.study.cells.filter(({ baselineCellId }) => baselineCellId !== null);
  const effects: number[] = [];
  let alarms = 0;
  let flagged = 0;
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const [base, next] = parted(study, random);
    const untouched = compareStudies(base, next, BARE);
    if (changesOf(untouched, ['regression', 'improvement']).length > 0) alarms++;

    const { cellId } = traced[random.int(traced.length)] as { cellId: string };
    const bar = untouched.cells
      .find((cell) => cell.cellId === cellId)
      ?.changes.find((c) => c.quantity === 'slowdown')?.bar;
    if (bar === undefined || bar === null) throw new Error(`${cellId}: no minimum detectable effect of its slowdown`);
    effects.push(bar);
    const changed = compareStudies(base, slowed(next, cellId, 1 + 2 * bar), BARE);
    if (changesOf(changed, ['regression']).includes(`slowdown of ${cellId}`)) flagged++;
  }
  // How often as many alarms or more would come at a true rate of 5 %.
  const chance = 1 - binomialCdf(alarms - 1, RESAMPLES, 0.05);
  const sorted = [...effects].sort((a, b) => a - b);
  const line = { low: null, high: null };
  return [
    {
      name: 'compare: minimum detectable effect on a slowdown, median (smallest … largest)',
      value: median(effects) * 100,
      low: (sorted[0] as number) * 100,
      high: (sorted.at(-1) as number) * 100,
      unit: '%',
      bound: 'reported',
      pass: true,
      note: `${RESAMPLED_ROUNDS / 2} rounds against ${RESAMPLED_ROUNDS / 2} of ${study.study.cells.length} cells, no threshold: what a comparison reports that a change must exceed`,
    },
    {
      ...line,
      name: `compare: ${RESAMPLES} resamples, one cell slower by twice that: flagged`,
      value: flagged / RESAMPLES,
      unit: '',
      bound: '≥ 0.95',
      pass: flagged / RESAMPLES >= 0.95,
    },
    {
      ...line,
      name: `compare: ${RESAMPLES} resamples without a change: any change claimed`,
      value: alarms / RESAMPLES,
      unit: '',
      bound: '≤ 0.05 (binomial test)',
      pass: chance >= 0.05,
      note: `better or worse, of any quantity of any cell; P(as many | 5 %) = ${chance.toPrecision(2)}`,
    },
  ];
}

export const comparePairs: Check = {
  name: 'compare-pairs',
  title: `${PAIRS} pairs of separate studies of the same: at most ${RED_AT_MOST} red`,
  run: async ({ scratch, say }) => {
    const red: string[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const rounds = [...SHORT, '--rounds', String(PAIR_ROUNDS)];
      const base = await runStudy(projectRoot, join(scratch, `base-${pair}`), rounds);
      const next = await runStudy(projectRoot, join(scratch, `new-${pair}`), rounds);
      const worse = changesOf(compareStudies(base, next, USUAL), ['regression']);
      if (worse.length > 0) red.push(worse.join(', '));
      say(`compare-pairs ${pair + 1} of ${PAIRS}: ${worse.length === 0 ? 'nothing' : worse.join(', ')}`);
    }
    const note = `${PAIR_ROUNDS} rounds each, threshold 5 %`;
    return [
      {
        name: `compare: red pairs of ${PAIRS} separate studies of the same`,
        value: red.length,
        unit: 'pairs',
        low: null,
        high: null,
        bound: `≤ ${RED_AT_MOST}`,
        pass: red.length <= RED_AT_MOST,
        note: red.length === 0 ? note : `${note}; red: ${red.join('; ')}`,
      },
    ];
  },
};

const SLOWER = 0.1;
const SLOWER_WORKLOAD = 'file';
const SLOWER_CALLS = 100_000;
const SLOWER_ROUNDS = 16;

export const compareSlower: Check = {
  name: 'compare-slower',
  title: 'a workload built 10 % slower turns compare red, in its untraced time and not in the slowdown',
  run: async ({ scratch, say }) => {
    const workload = await slowerWorkload(scratch, SLOWER_WORKLOAD);
    const options = ['--backends', 'none,ebpf', '--workloads', SLOWER_WORKLOAD];
    options.push('--calls', String(SLOWER_CALLS), '--rounds', String(SLOWER_ROUNDS));
    const base = await runStudy(workload.root, join(scratch, 'base'), options);
    const by = await workload.build(SLOWER);
    say(
      `compare-slower: ${SLOWER_WORKLOAD} built to take ${(by * 100).toFixed(1)} % longer, by a stopwatch outside of any study`,
    );
    const next = await runStudy(workload.root, join(scratch, 'new'), options);
    const comparison = compareStudies(base, next, USUAL);
    const time = comparison.cells
      .find(({ cellId }) => cellId === `${SLOWER_WORKLOAD}/${SLOWER_CALLS}/none`)
      ?.changes.find(({ quantity }) => quantity === 'time');
    const change = time?.change;
    if (!time || !change) throw new Error('the untraced time was not compared');
    const worse = changesOf(comparison, ['regression']);
    const slowdowns = changesOf(comparison, ['regression', 'improvement']).filter((text) =>
      text.startsWith('slowdown'),
    );
    return [
      {
        name: `compare: untraced time of ${SLOWER_WORKLOAD}, built 10 % slower`,
        value: change.estimate * 100,
        low: change.low === null ? null : change.low * 100,
        high: change.high === null ? null : change.high * 100,
        unit: '%',
        bound: 'a regression',
        pass: time.outcome === 'regression' && comparison.verdict === 'regression' && slowdowns.length === 0,
        note: `${(by * 100).toFixed(1)} % by a stopwatch outside of any study; counts from ${((time.bar ?? 0) * 100).toFixed(1)} %; red: ${worse.join(', ') || 'nothing'}`,
      },
    ];
  },
};
