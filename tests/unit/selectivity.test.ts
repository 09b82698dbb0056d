import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import { parsePercent } from '../../harness/quantity.ts';
import { planSchema, studySchema } from '../../harness/result.ts';
import { runCommand } from '../../harness/summarise/command.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { fitLine } from '../../harness/summarise/selectivity.ts';
import { argvOf } from '../../harness/trial/workload-command.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

const context = fakeContext({
  workloads: [
    { name: 'null', callsPerIteration: 1, maxThreads: 1 },
    { name: 'selective', callsPerIteration: 1, maxThreads: 1, wanted: 'lseek' },
  ],
});

function expand(settings: Settings) {
  const request = resolveRequest(settings, context, 7);
  return expandPlan(request, request.variants, context).plan;
}

describe('the line through shares', () => {
  it('is exact where there is one', () => {
    const points = [0, 0.01, 0.1, 1].map((share) => ({ share, added: 20 * (1 - share) + 300 * share }));
    expect(fitLine(points)?.nonMatching).toBeCloseTo(20, 9);
    expect(fitLine(points)?.matching).toBeCloseTo(300, 9);
  });

  it('is that of least squares where there is none', () => {
    // By hand, with p = 0, ½, 1: q·q = p·p = 1.25, p·q = 0.25; q·y = 0 + 10 = 10, p·y = 10 + 30 = 40.
    const line = fitLine([
      { share: 0, added: 0 },
      { share: 0.5, added: 20 },
      { share: 1, added: 30 },
    ]);
    expect(line?.nonMatching).toBeCloseTo((1.25 * 10 - 0.25 * 40) / 1.5, 9);
    expect(line?.matching).toBeCloseTo((1.25 * 40 - 0.25 * 10) / 1.5, 9);
  });

  it('needs two shares', () => {
    expect(fitLine([{ share: 0.1, added: 3 }])).toBeNull();
    expect(fitLine([])).toBeNull();
  });
});

describe('cells by share', () => {
  it('are one for each, filtered to the wanted call, with a baseline that makes the same calls', () => {
    const plan = expand({ match: [0, 10, 100], backends: ['ring'] });
    expect(planSchema.parse(plan)).toEqual(plan);
    expect(plan.match).toEqual([0, 10, 100]);
    const traced = plan.cells.filter(({ baselineCellId }) => baselineCellId !== null);
    expect(traced.map(({ cellId }) => cellId.replace(/\/\d+\//, '/N/'))).toEqual([
      'selective:0/N/ring',
      'selective:10/N/ring',
      'selective:100/N/ring',
    ]);
    for (const { baselineCellId, trial } of traced) {
      expect(trial.filter).toEqual(['lseek']);
      const baseline = plan.cells.find(({ cellId }) => cellId === baselineCellId);
      expect(baseline?.trial.workload).toEqual(trial.workload);
    }
    expect(runCommand(plan, null)).toContain('--match 0,10,100 --rounds');
    expect(runCommand(plan, traced[1] ?? null)).toContain('--workloads selective:10 -e lseek');
  });

  it('make more calls the fewer of them stop the workload, where the kernel filters', () => {
    const plan = expand({ match: [1, 100], backends: ['stop'] });
    const calls = (match: number) =>
      plan.cells.flatMap(({ trial: { variant, workload } }) =>
        variant === 'stop' && workload.kind === 'stamped' && workload.match === match ? [workload.calls] : [],
      )[0] ?? 0;
    expect(calls(1)).toBeGreaterThan(10 * calls(100));
  });

  it('are made of the workload by name as well, of a tenth where nothing is said, and of no profile', () => {
    const shares = (settings: Settings) =>
      expand(settings).workloads.map((workload) => [workload.name, workload.kind === 'stamped' && workload.match]);
    expect(shares({ workloads: ['selective'] })).toContainEqual(['selective', 10]);
    expect(shares({ workloads: ['selective:0'] })).toContainEqual(['selective', 0]);
    expect(shares({ profile: 'full', backends: ['ring'] }).every(([name]) => name === 'null')).toBe(true);
  });

  it.each([
    [{ match: [10], events: ['read'] }, /--match has a filter of its own/],
    [{ workloads: ['selective:101'] }, /share of wanted calls is 0 … 100/],
    [{ workloads: ['selective:1:2'] }, /share of wanted calls is 0 … 100/],
  ] as [Settings, RegExp][])('refuses %j', (settings, message) => {
    expect(() => expand(settings)).toThrow(message);
  });

  it('are typed as whole per cent', () => {
    expect(['0', '1%', '100'].map((text) => parsePercent(text, '--match'))).toEqual([0, 1, 100]);
    for (const text of ['101', '-1', '0.5', '']) expect(() => parsePercent(text, '--match')).toThrow(TracebenchError);
  });

  it('run with their share', () => {
    const workload = { kind: 'stamped', name: 'selective', calls: 100, threads: 1, seed: 1, match: 7 } as const;
    expect(argvOf(workload).slice(1)).toEqual(['--calls', '100', '--seed', '1', '--match', '7']);
  });
});

describe('a study by shares', () => {
  const SHARES = [0, 1, 10, 100];
  const base = fixturePlan({ variants: ['ebpf', 'ptrace'], workloads: ['null'] });
  const cells = base.cells.flatMap((cell) =>
    SHARES.map((match) => {
      const of = (id: string) => id.replace('null', `null:${match}`);
      const { workload } = cell.trial;
      if (workload.kind !== 'stamped') throw new Error('the fixture has no stamped workload');
      const cellId = of(cell.cellId);
      const trial = { ...cell.trial, cellId, workload: { ...workload, match }, filter: ['lseek'] };
      return { cellId, baselineCellId: cell.baselineCellId && of(cell.baselineCellId), trial };
    }),
  );
  const plan = { ...base, match: SHARES, workloads: cells.map(({ trial }) => trial.workload), cells };
  /** ebpf: 10 and 200 ns. ptrace: 1000 and 9000, but 5000 at a tenth, which no line has. */
  const added = (variant: string, match: number) => {
    if (variant === 'none') return 0;
    if (variant === 'ebpf') return 10 + 1.9 * match;
    return match === 10 ? 5000 : 1000 + 80 * match;
  };
  const trials = fixtureTrials(plan, {
    change: (trial) => {
      const { workload, variant, round } = trial.spec;
      if (workload.kind !== 'stamped' || trial.section === null) return trial;
      const perCall = 170 + (round % 5) + added(variant, workload.match ?? 0);
      return { ...trial, section: { ...trial.section, durationNs: perCall * trial.section.calls } };
    },
  });
  const variants = new Map(
    [...fixtureVariants].map(([id, terms]) => [id, { ...terms, filter: id === 'ptrace' ? 'user' : 'kernel' } as const]),
  );
  const study = summarise(fixtureInput(plan), trials, { variants, reference: 'ebpf' });

  it('has the price of either kind of call', () => {
    expect(studySchema.parse(study)).toEqual(study);
    expect(study.selectivity?.map(({ variant, filter }) => [variant, filter])).toEqual([
      ['ebpf', 'kernel'],
      ['ptrace', 'user'],
    ]);
    const ebpf = study.selectivity?.[0];
    expect(ebpf?.nonMatchingNs?.estimate).toBeCloseTo(10, 6);
    expect(ebpf?.matchingNs?.estimate).toBeCloseTo(200, 6);
    expect(ebpf?.points.map(({ match, isOffLine }) => [match, isOffLine])).toEqual(
      SHARES.map((match) => [match, false]),
    );
  });

  it('says where no line goes through', () => {
    const ptrace = study.selectivity?.[1];
    expect(ptrace?.points.find(({ match }) => match === 10)?.isOffLine).toBe(true);
    expect(ptrace?.points.find(({ match }) => match === 10)?.offLineNs?.estimate).toBeGreaterThan(1000);
    expect(renderTerminal(study)).toMatch(/ptrace at 10 %: \+\S+ µs \[.*\] off the line/);
  });

  it('fits no line to a share that lost calls', () => {
    // Half of the calls, at half of the price.
    const lossy = trials.map((trial) => {
      const { workload, variant } = trial.spec;
      if (trial.status === 'failed' || trial.section === null || trial.accounting.delivers !== 'records') return trial;
      if (variant !== 'ebpf' || workload.kind !== 'stamped' || workload.match !== 100) return trial;
      const durationNs = trial.section.durationNs - 100 * trial.section.calls;
      const accounting = { ...trial.accounting, complete: trial.accounting.issued / 2 };
      return { ...trial, section: { ...trial.section, durationNs }, accounting };
    });
    const [ebpf] = summarise(fixtureInput(plan), lossy, { variants, reference: 'ebpf' }).selectivity ?? [];
    expect(ebpf?.matchingNs?.estimate).toBeCloseTo(200, 6);
    expect(ebpf?.points.map(({ inLine }) => inLine)).toEqual([true, true, true, false]);
    expect(ebpf?.points[3]?.offLineNs?.estimate).toBeCloseTo(-100, 6);
    expect(ebpf?.points[3]?.isOffLine).toBe(true);
  });

  it('compares no two cells of different shares', () => {
    const share = (id: string) => id.split('/')[0];
    expect(study.comparisons.length).toBeGreaterThan(0);
    for (const { left, right } of study.comparisons) expect(share(left)).toBe(share(right));
  });

  it('shows the table', () => {
    expect(renderMarkdown(study)).toMatch(/\| ebpf \| kernel \| \+10\.0 ns \[.*\+200 ns \[200, 200\] \|/);
    expect(renderMarkdown(summarise(fixtureInput(base), [], { variants, reference: 'ebpf' }))).not.toContain(
      'Selectivity',
    );
  });
});
