import { describe, expect, it } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import { defineBackend } from '../../harness/backend.ts';
import { checkPair, pairNames } from '../../harness/plan/pairs.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { CompletedTrial, Plan, TrialResult } from '../../harness/result.ts';
import { exitCodeOf } from '../../harness/study/study.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { alongsideRows } from '../../reports/alongside.ts';
import { cellsCsv, trialsCsv } from '../../reports/csv.ts';
import { renderExplain } from '../../reports/explain.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fakeBackends, fakeContext, MIB } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

function planned(backends: string[], usable?: string[], settings = {}) {
  const context = fakeContext();
  const request = resolveRequest({ backends, workloads: ['null'], ...settings }, context, 7);
  return expandPlan(request, usable ?? request.variants, context);
}

const cellNamed = (plan: Plan, end: string): Plan['cells'][number] => {
  const cell = plan.cells.find(({ cellId }) => cellId.endsWith(`/${end}`));
  if (cell === undefined) throw new Error(`no ${end} in ${plan.cells.map(({ cellId }) => cellId).join(' ')}`);
  return cell;
};

describe('a pair that is asked for', () => {
  it('is a cell of its own beside each alone, on the terms that each has alone', () => {
    const { plan } = planned(['ring+audit']);
    expect(plan.backends).toEqual(['none', 'ring', 'audit']);
    const pair = cellNamed(plan, 'ring+audit');
    const alone = cellNamed(plan, 'audit');
    expect(pair.trial).toMatchObject({ variant: 'ring', bufferBytes: 8 * MIB, wakeup: { kind: 'timer', value: 1000 } });
    expect(pair.trial.alongside).toEqual({
      variant: 'audit',
      bufferBytes: alone.trial.bufferBytes,
      wakeup: alone.trial.wakeup,
      collectorCpus: alone.trial.collectorCpus,
    });
    expect(cellNamed(plan, 'ring').trial.alongside).toBeUndefined();
  });

  it('has an audit context, and a baseline with one, when one of the two needs it', () => {
    const { plan } = planned(['ring+audit']);
    const pair = cellNamed(plan, 'ring+audit');
    expect(pair.trial.auditContext).toBe('present');
    expect(pair.baselineCellId).toBe(cellNamed(plan, 'audit').baselineCellId);
    expect(cellNamed(plan, 'ring').trial.auditContext).toBe('absent');
  });

  it('makes the calls that the one which stops the workload makes in its time', () => {
    const { plan } = planned(['ring+stop', 'stop+ring']);
    const calls = (end: string) => (cellNamed(plan, end).trial.workload as { calls: number }).calls;
    expect(calls('ring+stop')).toBe(calls('stop'));
    expect(calls('stop+ring')).toBe(calls('stop'));
    expect(calls('ring')).toBeGreaterThan(calls('stop'));
    // The collector of a ring alone is on the other CPU, that of stop on the workload's.
    expect(cellNamed(plan, 'ring+stop').trial).toMatchObject({ workloadCpus: [1], collectorCpus: [0] });
    expect(cellNamed(plan, 'ring+stop').trial.alongside?.collectorCpus).toEqual([1]);
    expect(cellNamed(plan, 'stop+ring').trial.alongside?.collectorCpus).toEqual([0]);
  });

  it('has the buffers of each budget', () => {
    const { plan } = planned(['ring+audit'], undefined, { inFlight: 500 });
    const pair = cellNamed(plan, 'ring+audit@500calls');
    expect(pair.trial.inFlight).toBe(500);
    expect(pair.trial.bufferBytes).toBe(cellNamed(plan, 'ring@500calls').trial.bufferBytes);
    expect(pair.trial.alongside?.bufferBytes).toBe(cellNamed(plan, 'audit@500calls').trial.bufferBytes);
  });

  it('has no cell, and a note, where one of the two cannot run', () => {
    const { plan, notes } = planned(['ring+audit'], ['none', 'ring']);
    expect(plan.cells.every(({ trial }) => trial.alongside === undefined)).toBe(true);
    expect(notes).toContain('no cell of ring+audit: audit cannot run here');
  });

  it.each([
    ['ring+ring', 'a pair is of two different variants'],
    ['none+ring', 'none collects nothing'],
    ['ring+ring/*', 'ring/* is more than one variant'],
    ['ring+', "'ring+' is no pair of collectors"],
    ['ring+stop+audit', "'ring+stop+audit' is no pair of collectors"],
    ['ring+rong', "there is no backend or variant 'rong'"],
  ])('%s is refused', (name, why) => {
    expect(() => planned([name])).toThrow(why);
  });

  it('is refused where both take something that one alone can have, and of whole tools', () => {
    const [, ring, stop] = fakeBackends;
    const variant = ring?.variants[0];
    if (!ring || !stop || !variant) throw new Error('the made-up catalogue has changed');
    const first = { id: 'ring', backend: { ...ring, takesAlone: 'the one seat' }, variant };
    const second = { id: 'stop', backend: { ...stop, takesAlone: 'the one seat' }, variant };
    expect(() => checkPair({ first, second })).toThrow('ring+stop: both take the one seat, which only one can have');
    expect(() => checkPair({ first, second: { ...second, backend: stop } })).not.toThrow();
    const tool = { ...variant, tool: { workloads: ['null'], applications: false, launches: false } };
    expect(() => checkPair({ first, second: { ...second, variant: tool } })).toThrow('stop is a whole tool');
    expect(() => defineBackend(first.backend)).not.toThrow();
    expect(pairNames('ring/count')).toBeNull();
  });
});

it.each([
  ['ptrace', 'ptrace/seccomp', "the target's one tracer"],
  ['ptrace', 'seccomp-notify', "the target's one tracer"],
  ['auditd', 'auditd/block', 'audit'],
  ['auditd/multicast', 'auditd', 'audit'],
])('%s and %s cannot collect at once', (first, second, what) => {
  const contestant = (id: string) => ({ id, ...findVariant(id) });
  expect(() => checkPair({ first: contestant(first), second: contestant(second) })).toThrow(`both take ${what}`);
});

it.each([
  ['ebpf', 'ebpf/perfbuf'],
  ['ptrace', 'auditd'],
  ['perf', 'ftrace'],
])('%s and %s can', (first, second) => {
  const contestant = (id: string) => ({ id, ...findVariant(id) });
  expect(() => checkPair({ first: contestant(first), second: contestant(second) })).not.toThrow();
});

describe('what a pair costs', () => {
  const plan = fixturePlan({ variants: ['ebpf', 'ebpf/perfbuf'], workloads: ['null'], rounds: 8 });
  const [first, second] = ['ebpf', 'ebpf/perfbuf'].map((end) => cellNamed(plan, end)) as [
    Plan['cells'][number],
    Plan['cells'][number],
  ];
  const { variant, bufferBytes, wakeup, collectorCpus } = second.trial;
  const cellId = first.cellId.replace('/ebpf', '/ebpf+ebpf/perfbuf');
  const alongside = { variant, bufferBytes, wakeup, collectorCpus };
  const paired: Plan = {
    ...plan,
    cells: [...plan.cells, { ...first, cellId, trial: { ...first.trial, cellId, alongside } }],
  };

  const NS: Readonly<Record<string, number>> = { none: 175, ebpf: 275, 'ebpf/perfbuf': 475 };

  /** The pair adds 350 ns, alone the two add 100 and 300; the second loses a tenth and admits it, but for `silent`. */
  function change(silent: number) {
    return (trial: CompletedTrial): TrialResult => {
      const { section, accounting, geometry, spec } = trial;
      if (section === null) throw new Error('no section');
      const both = spec.alongside !== undefined;
      const ns = (both ? 525 : (NS[spec.variant] ?? 0)) + spec.round;
      const timed = { ...trial, section: { ...section, durationNs: section.calls * ns } };
      if (!both || accounting.delivers !== 'records') return timed;
      const lost = section.calls / 10;
      const books = {
        ...accounting,
        complete: section.calls - lost,
        partial: 0,
        missing: lost,
        reportedCalls: { min: lost - silent, max: lost - silent },
        discrepancy: { min: silent, max: silent },
        verdict: silent > 0 ? ('under-reported' as const) : ('reconciled' as const),
        reasons: [],
      };
      return { ...timed, alongside: { accounting: books, geometry, drainCpuNs: 1, kernelCpuNs: 0 } };
    };
  }

  function study(silent = 0, of = paired) {
    const trials = fixtureTrials(of, { change: change(silent) });
    return { trials, ...summarise(fixtureInput(of), trials, { variants: fixtureVariants, reference: 'ebpf' }) };
  }

  it('is held against the sum of what the two add, round by round', () => {
    const cell = study().cells.find((c) => c.cellId === cellId);
    expect(cell?.variant).toBe('ebpf+ebpf/perfbuf');
    expect(cell?.addedNsPerCall).toMatchObject({ estimate: 350, low: 350, high: 350 });
    expect(cell?.alongside).toMatchObject({
      first: 'ebpf',
      second: 'ebpf/perfbuf',
      aloneCellIds: { first: first.cellId, second: second.cellId },
      overSumReason: null,
      deliveredFraction: 0.9,
      discrepancy: { min: 0, max: 0 },
      reconciled: 8,
    });
    expect(cell?.alongside?.overSumNs).toMatchObject({ estimate: -50, low: -50, high: -50, n: 8 });
    expect(cell?.flags.map(({ code }) => code)).not.toContain('alongside-books');
  });

  it('says why there is no sum', () => {
    const alone = { ...paired, cells: paired.cells.filter((cell) => cell !== second) };
    const cell = study(0, alone).cells.find((c) => c.cellId === cellId);
    expect(cell?.alongside).toMatchObject({ overSumNs: null, overSumReason: 'the study has no cell of each alone' });
    const marked = paired.cells.map((c) =>
      c.cellId === cellId ? { ...c, trial: { ...c.trial, auditContext: 'present' as const } } : c,
    );
    const mixed = study(0, { ...paired, cells: marked }).cells.find((c) => c.cellId === cellId);
    expect(mixed?.alongside?.overSumReason).toBe(`${first.cellId} runs without audit's context, the pair with it`);
  });

  it('takes for alone no cell whose collector is starved, wherever it stands', () => {
    const starved = { ...second, cellId: `${second.cellId}~stall`, trial: { ...second.trial, stallMs: 50 } };
    const cell = study(0, { ...paired, cells: [starved, ...paired.cells] }).cells.find((c) => c.cellId === cellId);
    expect(cell?.alongside?.aloneCellIds).toEqual({ first: first.cellId, second: second.cellId });
  });

  it('flags books of the second that do not balance', () => {
    const cell = study(3).cells.find((c) => c.cellId === cellId);
    expect(cell?.alongside).toMatchObject({ reconciled: 0, discrepancy: { min: 24, max: 24 } });
    expect(cell?.flags.find(({ code }) => code === 'alongside-books')?.text).toContain(
      'the books of ebpf/perfbuf, the second collector, do not balance: round 1 under-reported',
    );
  });

  it('an accounting error of the second makes the study invalid', () => {
    const { trials, ...whole } = study();
    const broken = trials.map((trial): TrialResult => {
      if (trial.status === 'failed' || trial.alongside === undefined) return trial;
      const { accounting } = trial.alongside;
      if (accounting.delivers === 'nothing') throw new Error('no books');
      return { ...trial, alongside: { ...trial.alongside, accounting: { ...accounting, verdict: 'error' } } };
    });
    expect(exitCodeOf(whole, trials)).toBe(0);
    expect(exitCodeOf(whole, broken)).toBe(4);
  });

  it('is not ranked with those that are alone', () => {
    const { comparisons, verdict } = study();
    expect(comparisons.map(({ left, right }) => [left, right])).toEqual([[first.cellId, second.cellId]]);
    expect(verdict[0]).toContain('ebpf');
    expect(verdict[0]).not.toContain('ebpf+ebpf/perfbuf');
  });

  it('has a table of its own at the terminal and in Markdown', () => {
    const whole = study();
    const [row] = alongsideRows(whole.cells);
    expect(row).toEqual([
      'null',
      'ebpf+ebpf/perfbuf',
      expect.stringMatching(/×/),
      '+350 ns [350, 350]',
      '+100 ns [100, 100]',
      '+300 ns [300, 300]',
      '-50.0 ns [-50.0, -50.0]',
      '90.0 %',
      '8/8',
    ]);
    expect(renderMarkdown(whole)).toContain('## Two collectors at once');
    expect(renderTerminal(whole, { width: 200 })).toContain('Two collectors at once');
    expect(renderMarkdown({ ...whole, cells: whole.cells.slice(0, 2) })).not.toContain('Two collectors at once');
  });

  it('is explained, and in the csv files', () => {
    const whole = study(3);
    const cell = whole.cells.find((c) => c.cellId === cellId);
    const text = renderExplain(whole, whole.trials, cellId, 'again');
    expect(text).toMatch(/^over the sum +-50\.0 ns \[-50\.0, -50\.0\], of ebpf and ebpf\/perfbuf alone$/m);
    expect(text).toMatch(/^second books +of ebpf\/perfbuf: 0\/8 balance, 90\.0 % delivered, discrepancy 24 calls$/m);
    expect(
      trialsCsv(whole.trials)
        .split('\n')
        .filter((line) => line.includes(',ebpf,ebpf/perfbuf,under-reported,')),
    ).toHaveLength(9);
    const [head = '', ...rows] = cellsCsv(whole).split('\n');
    const at = head.split(',').indexOf('alongside_over_sum_ns');
    expect(rows.find((row) => row.startsWith(`${cell?.cellId},`))?.split(',')[at]).toBe('-50');
  });

  it('is in the command that repeats it', () => {
    const few = { ...paired, rounds: 2 };
    const cell = study(0, few).cells.find((c) => c.cellId === cellId);
    expect(cell?.flags.find(({ code }) => code === 'few-rounds')?.text).toContain('--backends ebpf+ebpf/perfbuf');
  });
});
