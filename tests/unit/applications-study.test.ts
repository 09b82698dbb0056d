/** Applications of the catalogue in plans, studies and reports. */
import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import type { PlannedApplication } from '../../harness/plan/cell-request.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import { jointSpecs } from '../../harness/reference/plan.ts';
import { type JointResult, planSchema, type TrialResult } from '../../harness/result.ts';
import { runCommand } from '../../harness/summarise/command.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { cellsCsv, trialsCsv } from '../../reports/csv.ts';
import { renderExplain } from '../../reports/explain.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

const LACK = { workload: 'server', reason: 'serverd is not there (Debian: serverd)', mend: './tracebench setup' };
const applications: PlannedApplication[] = [
  { name: 'mill', argv: ['tb-mill', '--files', '5'], fixedWork: true, about: { ms: 200, calls: 1e6 }, lack: null },
  { name: 'race', argv: ['racer'], fixedWork: false, about: { ms: 100, calls: 10 }, lack: null },
  { name: 'server', argv: ['serverd'], fixedWork: true, about: { ms: 100, calls: 10 }, lack: LACK },
];
const context = fakeContext({ applications });
const resolve = (settings: Settings) => resolveRequest(settings, context, 7);

function refusal(work: () => unknown): TracebenchError {
  try {
    work();
  } catch (error) {
    if (error instanceof TracebenchError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('planning applications', () => {
  it('stand beside the stamped ones, and their time is predicted', () => {
    const request = resolve({ workloads: ['null', 'mill'], backends: ['ring', 'stop'], rounds: 2, warmupRounds: 0 });
    const { plan, predictedRoundsMs } = expandPlan(request, request.variants, context);
    expect(planSchema.parse(plan).workloads.at(-1)).toEqual({
      kind: 'application',
      name: 'mill',
      argv: ['tb-mill', '--files', '5'],
      catalogued: { fixedWork: true },
    });
    const mills = plan.cells.filter((cell) => cell.trial.workload.name === 'mill');
    expect(mills.map((cell) => [cell.cellId, cell.baselineCellId, cell.trial.placement])).toEqual([
      ['mill/none', null, 'free'],
      ['mill/ring', 'mill/none', 'free'],
      ['mill/stop', 'mill/none', 'free'],
    ]);
    // A million calls that stop twice each take seconds: the deadline knows it.
    expect(predictedRoundsMs).toBeGreaterThan(2 * 10_000);
    expect(mills[0]?.trial.deadlineMs).toBeGreaterThan(100_000);
  });

  it('that lack something are rows with a reason, not fatal', () => {
    const request = resolve({ workloads: ['server', 'null', 'server'] });
    expect(request.workloads.map(({ spec }) => spec.name)).toEqual(['null']);
    expect(request.absentWorkloads).toEqual([LACK]);
  });

  it('that are required and lack something are fatal, and so is a study of nothing else', () => {
    const required = refusal(() => resolve({ workloads: ['server', 'null'], require: ['server'] }));
    expect(required).toMatchObject({ exitCode: 3, mend: LACK.mend });
    expect(required.message).toBe(`server is required and cannot run here: ${LACK.reason}`);
    const alone = refusal(() => resolve({ workloads: ['server'] }));
    expect(alone).toMatchObject({ exitCode: 3, mend: LACK.mend });
    expect(alone.message).toContain(`server: ${LACK.reason}`);
    expect(resolve({ workloads: ['mill'], require: ['mill', 'ring'] }).required).toEqual(['ring']);
  });

  it('are all in the full profile, and none in the others unless named', () => {
    expect(resolve({ profile: 'full' }).workloads.map(({ spec }) => spec.name)).toEqual([
      'null',
      'file',
      'threads',
      'exec',
      'mill',
      'race',
    ]);
    expect(resolve({ profile: 'full' }).absentWorkloads).toEqual([LACK]);
    expect(resolve({}).absentWorkloads).toEqual([]);
  });

  it('share no cell with a command of the same name', () => {
    const error = refusal(() => resolve({ workloads: ['mill'], command: ['/usr/bin/mill', '-x'] }));
    expect(error).toMatchObject({ exitCode: 2, mend: 'make a study of each' });
  });

  it('suggests their names', () => {
    expect(refusal(() => resolve({ workloads: ['mil'] })).mend).toMatch(/did you mean mill\?/);
  });
});

const MILL = { kind: 'application', name: 'mill', argv: ['tb-mill'], catalogued: { fixedWork: true } } as const;
const RACE = { kind: 'application', name: 'race', argv: ['racer'], catalogued: { fixedWork: false } } as const;

/** A study of two applications: traced, mill makes half as many transactions a second; its runs last as long. */
function study(joint: JointResult[] = []) {
  const base = fixturePlan({ workloads: [['tb-mill'], ['racer']], variants: ['ebpf', 'ptrace'] });
  const named = (argv: readonly string[]) =>
    argv[0] === 'racer' ? { ...RACE, argv: ['racer'] } : { ...MILL, argv: ['tb-mill'] };
  const plan: typeof base = {
    ...base,
    workloads: base.workloads.map((w) => (w.kind === 'application' ? named(w.argv) : w)),
    cells: base.cells.map((cell) => {
      const { workload } = cell.trial;
      return {
        ...cell,
        trial: { ...cell.trial, workload: workload.kind === 'application' ? named(workload.argv) : workload },
      };
    }),
  };
  const trials = fixtureTrials(plan).map((trial): TrialResult => {
    if (trial.status === 'failed') return trial;
    const value = (trial.spec.variant === 'none' ? 60_000 : 30_000) + trial.spec.round;
    return { ...trial, figureOfMerit: { value, unit: 'transactions/s', better: 'higher' } };
  });
  const input = { ...fixtureInput(plan), absentWorkloads: [LACK], joint };
  return { plan, trials, study: summarise(input, trials, { variants: fixtureVariants, reference: 'ebpf' }) };
}

function counted(workload: typeof MILL | typeof RACE, issued: number): JointResult {
  return {
    status: 'completed',
    spec: {
      workload: { ...workload, argv: [...workload.argv] },
      reference: 'ebpf',
      counter: 'ebpf/count',
      variant: 'ebpf/count',
      bufferBytes: 1,
      filter: null,
      user: null,
      deadlineMs: 1,
      mostRecords: 1,
      shown: 0,
    },
    issued,
    referenceCalls: issued,
    otherCalls: issued,
    countDifferences: [],
    lost: { counter: { min: 0, max: 0 }, reference: { min: 0, max: 0 }, other: { min: 0, max: 0 } },
    content: null,
    verdict: 'equal',
    reasons: [],
  };
}

describe('a study of applications', () => {
  const joint = [counted(MILL, 111_874), counted(MILL, 111_880), counted(MILL, 111_874), counted(RACE, 5)];
  const { study: result, trials, plan } = study(joint);
  const cell = (id: string) => result.cells.find((c) => c.cellId === id);
  const text = renderTerminal(result, { width: 200 });
  const markdown = renderMarkdown(result);

  it('gives the figure of merit and its paired ratio, and takes the slowdown from it', () => {
    const traced = result.cells.find((c) => c.workload.name === 'mill' && c.variant === 'ebpf');
    expect(traced?.figureOfMerit).toMatchObject({ unit: 'transactions/s', better: 'higher' });
    expect(traced?.figureOfMerit?.value.estimate).toBeCloseTo(30_004, -1);
    expect(traced?.figureOfMerit?.ratio?.estimate).toBeCloseTo(0.5, 3);
    expect(traced?.slowdown?.estimate).toBeCloseTo(2, 3);
    const bare = result.cells.find((c) => c.workload.name === 'mill' && c.variant === 'none');
    expect(bare?.figureOfMerit?.ratio).toBeNull();
    expect(cell(traced?.baselineCellId ?? '')).toBe(bare);
  });

  it('says how many calls a run of given work issues, of any other nothing', () => {
    const of = (name: string, variant: string) =>
      result.cells.find((c) => c.workload.name === name && c.variant === variant)?.issuedInJointTrials;
    expect(of('mill', 'ebpf')).toEqual({ calls: 111_874, spread: 6, trials: 3 });
    expect(of('mill', 'none')).toBeNull();
    expect(of('race', 'ebpf')).toBeNull();
  });

  it('shows both in every report, and what could not run', () => {
    expect(text).toMatch(/mill +ebpf +30,00\d \[[\d,]+, [\d,]+\] +transactions\/s +0\.500\d× \[.*\] +111,874 ± 6 +0\n/);
    expect(text).toMatch(/race +ebpf .* – +0\n/);
    expect(text).toContain(`server: ${LACK.reason}\n     mend: ${LACK.mend}`);
    expect(markdown).toMatch(
      /\| mill \| ebpf \| 30,00\d \[.*\] \| transactions\/s \| 0\.500\d× \[.*\] \| 111,874 ± 6 \| 0 \|/,
    );
    expect(markdown).toContain(`| server | ${LACK.reason} | ${LACK.mend} |`);
    const [head = '', ...rows] = cellsCsv(result)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const row = rows.find(
      (fields) => fields[head.indexOf('workload')] === 'mill' && fields[head.indexOf('variant')] === 'ebpf',
    );
    const field = (name: string) => row?.[head.indexOf(name)];
    expect(field('figure_of_merit_unit')).toBe('transactions/s');
    expect(Number(field('figure_of_merit_ratio'))).toBeCloseTo(0.5, 3);
    expect(field('issued_calls_joint')).toBe('111874');
    expect(field('issued_calls_joint_spread')).toBe('6');
    expect(trialsCsv(trials).split('\n')[0]).toContain('figure_of_merit,figure_of_merit_unit');
  });

  it('tells the baseline of audit’s cells from the others', () => {
    const marked = structuredClone(result);
    const bare = marked.cells.find((c) => c.workload.name === 'mill' && c.variant === 'none');
    if (bare) bare.terms.auditContext = 'present';
    expect(renderTerminal(marked, { width: 200 })).toMatch(/^mill +none\+audit +60,00\d/m);
    expect(text).toMatch(/^mill +none +60,00\d/m);
  });

  it('is laid open by its figure, not by how long a run lasted', () => {
    const traced = result.cells.find((c) => c.workload.name === 'mill' && c.variant === 'ebpf');
    const laidOpen = renderExplain(result, trials, traced?.cellId ?? '', 'again', 200);
    expect(laidOpen).toMatch(/^figure of merit +30,00\d \[.*\] transactions\/s, 0\.500\d× \[.*\] of the untraced$/m);
    expect(laidOpen).toMatch(/^issued +111,874 ± 6 calls in 3 joint trials$/m);
    expect(laidOpen).toMatch(/^round +order +transactions\/s +ratio/m);
    expect(laidOpen).toMatch(/^ *3 +\d+ +30,003 +0\.500× /m);
  });

  it('knows its noise from the figures: a server under load for a given time lasts that long however it does', () => {
    const noisy = trials.map((trial): TrialResult => {
      if (trial.status === 'failed' || trial.figureOfMerit === undefined) return trial;
      const value = trial.figureOfMerit.value * (1 + 0.2 * (trial.spec.round % 2));
      return { ...trial, run: { ...trial.run, durationNs: 1e9 }, figureOfMerit: { ...trial.figureOfMerit, value } };
    });
    const options = { variants: fixtureVariants, reference: 'ebpf' };
    expect(summarise(fixtureInput(plan), noisy, options).noise?.baselineHalfWidth).toBeGreaterThan(0.05);
    expect(result.noise?.baselineHalfWidth).toBeLessThan(0.001);
  });

  it('is rerun by the names of its applications', () => {
    expect(runCommand(plan, null)).toContain('--workloads mill,race ');
    expect(runCommand(plan, null)).not.toContain(' -- ');
  });
});

it('counts an application of given work at least three times, beside the reference', () => {
  const { plan } = study();
  const usable = new Set(['none', 'ebpf', 'ptrace', 'ebpf/count']);
  const roles = { reference: 'ebpf', counter: 'ebpf/count', delivering: (id: string) => id !== 'none' };
  const of = (backends: string[]) =>
    jointSpecs({ ...plan, backends }, usable, roles).map((spec) => `${spec.workload.name} ${spec.variant}`);
  expect(of(['none', 'ebpf', 'ptrace'])).toEqual(['mill ptrace', 'mill ebpf/count', 'mill ebpf/count', 'race ptrace']);
  expect(of(['none'])).toEqual([]);
});
