/** Starved collectors: how they are asked for, planned, kept out of what is said of backends, and shown. */
import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import { type Settings, settingsSchema } from '../../harness/plan/settings.ts';
import { parseStarvation, starvationOf, starvedTrial } from '../../harness/plan/starvation.ts';
import type { CompletedTrial, Plan, TrialResult } from '../../harness/result.ts';
import { starvationText } from '../../harness/result-words.ts';
import { runCommand } from '../../harness/summarise/command.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { periodOf, refused } from '../../harness/trial/cpu-quota.ts';
import { cellsCsv, trialsCsv } from '../../reports/csv.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { starvedRows } from '../../reports/starved.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

describe('a way to starve a collector', () => {
  it.each(['stall:50ms', 'stall:10000ms', 'quota:20%', 'quota:1%', 'quota:12.5%'])('%s is said back alike', (text) => {
    expect(starvationText(parseStarvation(text, 's'))).toBe(text);
  });

  it('is also read in seconds, and from a plan file', () => {
    expect(parseStarvation('stall:0.1', 's')).toEqual({ kind: 'stall', ms: 100 });
    expect(settingsSchema.parse({ starve: 'quota:0.05' }).starve).toEqual([{ kind: 'quota', share: 0.05 }]);
  });

  it.each(['stall', 'stall:', 'stall:0ms', 'stall:11s', 'quota:0.5%', 'quota:100%', 'quota:20%:1', 'hunger:3', ''])(
    '%j is none',
    (text) => {
      let refused: unknown = null;
      try {
        parseStarvation(text, '--starve');
      } catch (error) {
        refused = error;
      }
      expect(refused).toBeInstanceOf(TracebenchError);
      expect(refused).toMatchObject({ exitCode: 2, message: expect.stringContaining('--starve') });
    },
  );

  it('is found again in what a trial is asked', () => {
    for (const text of ['stall:50ms', 'quota:20%']) {
      const starvation = parseStarvation(text, 's');
      expect(starvationOf(starvedTrial(starvation, 100_000))).toEqual(starvation);
    }
    expect(starvationOf(starvedTrial(null, 1))).toBeNull();
    expect(starvedTrial({ kind: 'stall', ms: 5 }, 2000)).toEqual({ stallMs: 5, stallAfterCalls: 200 });
    expect(starvedTrial({ kind: 'stall', ms: 5 }, 1e6)).toEqual({ stallMs: 5, stallAfterCalls: 1000 });
  });

  it('has periods of 10 ms, and of more where the kernel would refuse the quota', () => {
    expect(periodOf(0.2)).toEqual({ periodUs: 10_000, quotaUs: 2000 });
    expect(periodOf(0.1)).toEqual({ periodUs: 10_000, quotaUs: 1000 });
    expect(periodOf(0.05)).toEqual({ periodUs: 20_000, quotaUs: 1000 });
    for (const share of [0.01, 0.03, 0.07, 0.099, 0.333, 0.99]) {
      const { periodUs, quotaUs } = periodOf(share);
      expect(quotaUs).toBeGreaterThanOrEqual(1000);
      expect(quotaUs / periodUs).toBeCloseTo(share, 4);
    }
  });
});

describe('a machine that gives no quota', () => {
  it.each([
    ['/g takes no CPU quota; use a kernel with it', '/g takes no CPU quota', 'use a kernel with it'],
    ['making /g: Permission denied (run as root)', 'making /g: Permission denied', 'run as root'],
    ['odd', 'odd', './tracebench doctor shows the control groups'],
  ])('%j: the reason, and the mend', (reason, why, mend) => {
    expect(refused(reason)).toMatchObject({ exitCode: 3, message: `--starve quota: ${why}`, mend });
  });
});

function expand(settings: Settings) {
  const request = resolveRequest(settings, fakeContext(), 7);
  return expandPlan(request, request.variants, fakeContext());
}

describe('a plan with starved collectors', () => {
  const starve = ['stall:50ms', 'quota:20%'].map((text) => parseStarvation(text, 's'));

  it('has a cell for each beside the one that is let work, under the same baseline', () => {
    const { plan, notes } = expand({ workloads: ['null'], backends: ['ring/*', 'stop'], starve });
    const ids = plan.cells.filter(({ baselineCellId }) => baselineCellId !== null).map(({ cellId }) => cellId);
    const [, calls] = (ids[0] ?? '').split('/');
    expect(ids.filter((id) => id.includes('/ring'))).toEqual([
      `null/${calls}/ring`,
      `null/${calls}/ring~stall:50ms`,
      `null/${calls}/ring~quota:20%`,
      `null/${calls}/ring/count`,
    ]);
    expect(ids.filter((id) => id.includes('/stop'))).toHaveLength(3);
    expect(new Set(plan.cells.filter(({ cellId }) => cellId.includes('/ring')).map((c) => c.baselineCellId)).size).toBe(
      1,
    );
    expect(notes).toContain(
      'no cell of ring/count on null with a starved collector: it delivers no records that anybody would be late to read',
    );
    const quota = plan.cells.find(({ cellId }) => cellId.endsWith('ring~quota:20%'));
    expect(quota?.trial).toMatchObject({ stallMs: 0, cpuQuota: 0.2 });
  });

  it('counts what is asked twice once, and expects a workload that waits to wait longer', () => {
    const twice = expand({ workloads: ['null'], backends: ['stop'], starve: [...starve, ...starve] });
    expect(twice.plan.cells.filter(({ cellId }) => cellId.includes('~'))).toHaveLength(2);
    const fed = expand({ workloads: ['null'], backends: ['stop'] }).predictedRoundMs ?? 0;
    const stalled =
      expand({ workloads: ['null'], backends: ['stop'], starve: starve.slice(0, 1) }).predictedRoundMs ?? 0;
    const rationed = expand({ workloads: ['null'], backends: ['stop'], starve: starve.slice(1) }).predictedRoundMs ?? 0;
    expect(rationed - fed).toBeGreaterThan(3 * (stalled - fed));
  });

  it('does not starve an application', () => {
    const { plan, notes } = expand({ command: ['/bin/true'], backends: ['ring'], starve });
    expect(plan.cells.some(({ cellId }) => cellId.includes('~'))).toBe(false);
    expect(notes).toContain('no cell of ring on true with a starved collector: an application has no section');
  });
});

describe('a study with starved collectors', () => {
  const plain = fixturePlan();
  const fedCells = plain.cells.filter(
    ({ trial }) => trial.workload.name === 'null' && trial.workload.kind === 'stamped',
  );
  const ebpf = fedCells.find(({ trial }) => trial.variant === 'ebpf') as Plan['cells'][number];
  const hungry: Plan['cells'][number] = {
    ...ebpf,
    cellId: `${ebpf.cellId}~quota:5%`,
    trial: { ...ebpf.trial, cellId: `${ebpf.cellId}~quota:5%`, cpuQuota: 0.05 },
  };
  const plan: Plan = { ...plain, cells: [...plain.cells, hungry] };
  const trials: TrialResult[] = fixtureTrials(plan).map((trial) => {
    if (trial.spec.cellId !== hungry.cellId) return trial;
    const done = trial as CompletedTrial;
    if (done.accounting.delivers !== 'records') throw new Error('the fixture changed');
    const { issued } = done.accounting;
    const missing = issued / 4 + done.spec.round;
    const accounting = {
      ...done.accounting,
      complete: issued - missing,
      missing,
      reportedCalls: { min: missing, max: missing },
    };
    const throttling = { periods: 50, throttledPeriods: 40, throttledNs: 6e8, elapsedNs: 1e9 };
    return { ...done, accounting, throttling };
  });
  const study = summarise(fixtureInput(plan), trials, { variants: fixtureVariants, reference: 'ebpf' });
  const without = summarise(
    fixtureInput(plain),
    trials.filter(({ spec }) => spec.cellId !== hungry.cellId),
    { variants: fixtureVariants, reference: 'ebpf' },
  );
  const cell = study.cells.find(({ cellId }) => cellId === hungry.cellId);
  const counted = trials.filter(({ spec }) => spec.cellId === hungry.cellId && !spec.warmup) as CompletedTrial[];

  it('says what each trial lost, with the interval, and how long it was held back', () => {
    expect(cell?.terms.starvation).toEqual({ kind: 'quota', share: 0.05 });
    const lost = counted.map(({ accounting }) => (accounting.delivers === 'records' ? accounting.missing : 0));
    expect(cell?.lossByTrial).toMatchObject({
      missing: lost.reduce((a, b) => a + b, 0),
      throttledFraction: { estimate: 0.6 },
    });
    const { calls, fraction } = cell?.lossByTrial ?? {};
    expect(calls?.low).toBeGreaterThanOrEqual(Math.min(...lost));
    expect(calls?.high).toBeLessThanOrEqual(Math.max(...lost));
    expect(fraction?.estimate).toBeCloseTo(0.25, 3);
    expect(study.cells.find(({ cellId }) => cellId === ebpf.cellId)?.lossByTrial).toMatchObject({ missing: 0 });
    expect(without.cells.every(({ lossByTrial }) => lossByTrial === undefined)).toBe(true);
  });

  it('holds none of it against the backend: comparisons, claims and what the verdict ranks are as without', () => {
    expect(study.comparisons).toEqual(without.comparisons);
    expect(study.claims).toEqual(without.claims);
    expect(study.verdict[0]).toBe(without.verdict[0]);
  });

  it('is shown in a table of its own, the cell that was let work first', () => {
    const rows = starvedRows(study);
    expect(rows.map(([, backend, collector]) => [backend, collector])).toEqual([
      ['ebpf', 'let work'],
      ['ebpf', 'quota:5%'],
    ]);
    expect(rows[0]?.slice(4, 6).join(' ')).toMatch(/^0 %.* 0/);
    expect(rows[1]?.[4]).toMatch(/^25\.\d+ % \[25\.\d+, 25\.\d+\]$/);
    expect(rows[1]?.[8]).toBe('60.0 %');
    const missing = cell?.lossByTrial?.missing.toLocaleString('en-US');
    expect(rows[1]?.[6]).toBe(`${missing} / ${missing}`);
    expect(starvedRows(without)).toEqual([]);
    const shown = renderTerminal(study);
    expect(shown.match(/quota:5%/g)?.length).toBeGreaterThanOrEqual(1);
    expect(shown.slice(0, shown.indexOf('Starved collector'))).not.toContain('quota:5%');
    const narrow = renderTerminal(study, { width: 110 }).split('\n');
    expect(
      Math.max(...narrow.filter((line) => !line.includes('./tracebench')).map((line) => line.length)),
    ).toBeLessThanOrEqual(110);
    expect(renderTerminal(without)).not.toContain('Starved collector');
    expect(renderMarkdown(study)).toMatch(/\| null.* \| ebpf \| quota:5% \| .* \| 60\.0 % \|/);
  });

  it('is written to the tables for programs', () => {
    const [head = '', ...lines] = cellsCsv(study).trim().split('\n');
    const at = (name: string, line: string) => line.split(',')[head.split(',').indexOf(name)];
    const line = lines.find((text) => text.startsWith(hungry.cellId)) ?? '';
    expect(at('starvation', line)).toBe('quota:5%');
    expect(Number(at('lost_fraction', line))).toBeCloseTo(0.25, 3);
    expect(at('throttled_fraction', line)).toBe('0.6');
    expect(trialsCsv(trials)).toContain(',0.05,600000000,40,');
  });

  it('can be repeated: the command names what starved it', () => {
    expect(runCommand(plan, hungry)).toContain(' --starve quota:5%');
    expect(runCommand(plan, ebpf)).not.toContain('--starve');
    expect(runCommand(plan, null)).toContain(' --starve quota:5%');
  });
});
