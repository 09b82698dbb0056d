import { describe, expect, it } from 'vitest';
import { busyFraction, cpuBill, soakedNs, soakReading } from '../../harness/cpu-bill/bill.ts';
import { TracebenchError } from '../../harness/errors.ts';
import { SOAKER_START_MS } from '../../harness/plan/costs.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import { soakedCells, withoutSoaked } from '../../harness/plan/soaked-cells.ts';
import { type CompletedTrial, type CpuBill, planSchema, studySchema } from '../../harness/result.ts';
import { summarise } from '../../harness/summarise/index.ts';
import type { SoakReading } from '../../native/index.ts';
import { cellsCsv } from '../../reports/csv.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

/** Of one CPU: pieces, of these undisturbed, and what each of those took. */
type Of = readonly [pieces: number, quick: number, pieceNs: number];

function reading(ns: number, ...cpus: Of[]): SoakReading {
  return {
    ns,
    cpus: cpus.map(([pieces, quick, pieceNs], cpu) => ({ cpu, pieces, quickPieces: quick, quickNs: quick * pieceNs })),
  };
}

const idle = reading(100e6, [49_500, 49_000, 2000], [49_000, 48_000, 2000]);

describe('what the soaker had', () => {
  it('is pieces times what an undisturbed one took in the same time, whatever they took before', () => {
    // Two CPUs, half a second, at a tenth less frequency: 200,000 pieces of 2200 ns are 440 ms, 100,000 are 220 ms.
    expect(soakedNs(reading(500e6, [200_000, 199_000, 2200], [100_000, 99_000, 2200]), idle)).toBeCloseTo(660e6, 0);
  });

  it('is taken at the calibrated time of a piece where the CPU left it next to nothing', () => {
    expect(soakedNs(reading(500e6, [200_000, 199_000, 2200], [600, 500, 9999]), idle)).toBeCloseTo(
      440e6 + 600 * 2000,
      0,
    );
  });

  it('cannot be told where it was never alone', () => {
    const never = reading(100e6, [49_500, 49_000, 2000], [10, 5, 2000]);
    expect(() => soakedNs(never, never)).toThrow(/hardly ran on CPU 1/);
    expect(() => soakedNs(never, never)).toThrow(TracebenchError);
  });

  it('is the difference of two looks, CPU by CPU', () => {
    const later = reading(300e6, [149_500, 148_000, 2000], [50_000, 48_500, 2000]);
    expect(soakReading(later, idle)).toEqual(reading(200e6, [100_000, 99_000, 2000], [1000, 500, 2000]));
  });

  it('leaves the rest of the machine busy', () => {
    expect(busyFraction(idle, idle)).toBeCloseTo(1 - (99e6 + 98e6) / 200e6, 9);
  });
});

describe('the bill', () => {
  const known = {
    section: reading(500e6, [200_000, 199_000, 2200], [20_000, 19_000, 2200]),
    idle,
    workloadNs: 420e6,
    spunNs: 3e6,
    drainNs: 40e6,
    processNs: 41e6,
    kernelThreads: [
      { name: 'kauditd', cpuNs: 5e6 },
      { name: 'rcu_preempt', cpuNs: 1e6 },
    ],
  };

  it('adds up: all CPUs, less the soaker and the waiting, is who is known and the rest', () => {
    const bill = cpuBill(known);
    // 2 × 500 ms − 440 ms − 44 ms − 3 ms
    expect(bill.totalNs).toBeCloseTo(513e6, 0);
    expect(bill.otherThreadsNs).toBe(1e6);
    expect(bill.unattributedNs).toBeCloseTo(513e6 - 420e6 - 41e6 - 6e6, 0);
  });

  it('finds CPU time that nobody named, to the nanosecond that the soaker did not get', () => {
    // Half of the pieces of CPU 0: somebody had 220 ms of it.
    const bill = cpuBill({ ...known, section: reading(500e6, [100_000, 99_000, 2200], [20_000, 19_000, 2200]) });
    expect(bill.unattributedNs - cpuBill(known).unattributedNs).toBeCloseTo(220e6, 0);
  });

  it('stays negative where more was named than the machine did', () => {
    expect(cpuBill({ ...known, workloadNs: 480e6 }).unattributedNs).toBeCloseTo(-14e6, 0);
    // The process and its drain thread are read one after the other: what the second ran meanwhile moves no other figure.
    const late = cpuBill({ ...known, processNs: 39e6 });
    expect(late.otherThreadsNs).toBe(-1e6);
    expect(late.unattributedNs - cpuBill(known).unattributedNs).toBeCloseTo(2e6, 0);
  });
});

function expand(settings: Settings) {
  const context = fakeContext();
  const request = resolveRequest(settings, context, 7);
  return { ...expandPlan(request, request.variants, context), request };
}

describe('soaked cells of a plan', () => {
  it('stand beside each traced cell and its baseline, differ in nothing but the soaker, and are predicted', () => {
    const asked = { backends: ['ring/*'], workloads: ['null'] } as const;
    const plain = expand({ ...asked, backends: [...asked.backends], workloads: [...asked.workloads] });
    const billed = expand({ backends: ['ring/*'], workloads: ['null'], cpuBill: true });
    expect(planSchema.parse(billed.plan).cpuBill).toBe('asked');
    expect(withoutSoaked(billed.plan).cells).toEqual(plain.plan.cells);
    const soaked = billed.plan.cells.filter(({ trial }) => trial.soaked);
    expect(soaked.map(({ cellId }) => cellId.replace(/\d+/, 'N'))).toEqual([
      'null/N/none+soaked',
      'null/N/ring+soaked',
      'null/N/ring/count+soaked',
    ]);
    for (const { cellId, baselineCellId, trial } of soaked) {
      const twin = plain.plan.cells.find((cell) => `${cell.cellId}+soaked` === cellId);
      expect(trial).toEqual({ ...twin?.trial, cellId, soaked: true });
      expect(baselineCellId).toBe(twin?.baselineCellId ? `${twin.baselineCellId}+soaked` : null);
    }
    expect(billed.predictedRoundMs).toBeGreaterThan((plain.predictedRoundMs ?? 0) + 3 * SOAKER_START_MS);
  });

  it('are of default variants in the full profile, and none in the others or where none are wanted', () => {
    const full = { profile: 'full', workloads: ['null'] } as const;
    const variants = (settings: Settings) =>
      expand(settings).plan.cells.flatMap(({ trial }) => (trial.soaked ? [trial.variant] : []));
    expect(new Set(variants({ ...full, workloads: ['null'] }))).toEqual(new Set(['none', 'ring', 'stop', 'audit']));
    expect(variants({ ...full, workloads: ['null'], cpuBill: false })).toEqual([]);
    expect(variants({ workloads: ['null'] })).toEqual([]);
  });

  it('are not made of commands, which a note says', () => {
    const { plan, notes } = expand({ command: ['ls'], cpuBill: true });
    expect(plan.cells.some(({ trial }) => trial.soaked)).toBe(false);
    expect(notes).toContain('no CPU bill of ls: it has no START and END between which the soaker could be read');
  });
});

describe('a study with CPU bills', () => {
  const base = fixturePlan({ variants: ['ebpf', 'ptrace'], workloads: ['null'] });
  const made = soakedCells(
    base.cells.map((cell) => ({ cell, sectionMs: 100 })),
    () => true,
  );
  const plan = { ...base, cpuBill: 'asked' as const, cells: [...base.cells, ...made.cells.map(({ cell }) => cell)] };

  /** 170 ns of workload a call, and under ebpf 130 of it, 30 of collector and 10 of nobody more. */
  function billOf({ spec, section }: CompletedTrial): CpuBill {
    const calls = section?.calls ?? 0;
    const traced = spec.variant === 'ebpf';
    const parts = { workloadNs: calls * (traced ? 300 : 170), drainNs: traced ? calls * 30 : 0 };
    const unattributedNs = traced ? calls * 8 : -calls * 2;
    const kernelThreads = [{ name: 'kworker/0:1-events', cpuNs: calls }];
    return {
      windowNs: calls * 400,
      cpus: 2,
      soakedNs: 1,
      spunNs: 0,
      ...parts,
      otherThreadsNs: 0,
      kernelThreads,
      unattributedNs,
      totalNs: parts.workloadNs + parts.drainNs + unattributedNs + calls,
      idleBusyFraction: spec.round % 2 === 0 ? 0.01 : 0.02,
    };
  }

  const trials = fixtureTrials(plan, {
    change: (trial) =>
      trial.spec.soaked
        ? // Twice as slow: a time that would show wherever it were used.
          {
            ...trial,
            cpuBill: billOf(trial),
            section: trial.section && { ...trial.section, durationNs: trial.section.durationNs * 2 },
          }
        : trial,
  });
  const study = summarise(fixtureInput(plan), trials, { variants: fixtureVariants, reference: 'ebpf' });

  it('has them in the cells beside which they were made, and no time of a soaked trial anywhere', () => {
    const plain = trials.filter(({ spec }) => !spec.soaked);
    const timed = summarise(fixtureInput(base), plain, { variants: fixtureVariants, reference: 'ebpf' });
    expect(studySchema.parse(study)).toEqual(study);
    expect(study.cells.map(({ cpuBill, ...cell }) => cell).map(({ flags, ...cell }) => cell)).toEqual(
      timed.cells.map(({ flags, ...cell }) => cell),
    );
    expect(study.comparisons).toEqual(timed.comparisons);
    expect(study.noise).toEqual(timed.noise);
    expect(study.cells.map(({ cellId, cpuBill }) => [cellId.split('/')[2], cpuBill?.trials.completed])).toEqual([
      ['none', plan.rounds],
      ['ebpf', plan.rounds],
      ['none', plan.rounds],
      ['ptrace', plan.rounds],
    ]);
  });

  it('says what is added to the soaked baseline, part by part, and the noise over such a section', () => {
    const bill = study.cells.find(({ variant }) => variant === 'ebpf')?.cpuBill;
    const added = Object.fromEntries(Object.entries(bill?.added ?? {}).map(([part, i]) => [part, i?.estimate]));
    expect(added['workload']).toBeCloseTo(130, 6);
    expect(added['collector']).toBeCloseTo(30, 6);
    expect(added['unattributed']).toBeCloseTo(10, 6);
    expect(added['kernelThreads']).toBeCloseTo(0, 6);
    expect(added['total']).toBeCloseTo(170, 6);
    // Half of 0.01 of 2 CPUs over 400 ns.
    expect(bill?.noiseNsPerCall).toBeCloseTo(4, 6);
    expect(bill?.kernelThreads).toEqual(['kworker']);
    expect(bill?.deliveredFraction).toBe(1);
    expect(study.cells[0]?.cpuBill).toMatchObject({ added: null, perCall: { unattributed: { estimate: -2 } } });
  });

  it('shows them in every report', () => {
    const row =
      /\| null \| ebpf \| 100 % \| \+130 ns \[130, 130\] \| \+30\.0 ns .* \+170 ns \[170, 170\] \| ± 4\.00 ns \|/;
    expect(renderMarkdown(study)).toMatch(row);
    expect(renderTerminal(study)).toMatch(/CPU bill[\s\S]*ebpf +100 % +\+130 ns/);
    const [head = '', ...rows] = cellsCsv(study).trim().split('\n');
    const at = head.split(',').indexOf('cpu_total_added_ns_per_call');
    expect(rows.map((line) => Number(line.split(',')[at]))).toEqual([0, 170, 0, 0]);
  });
});
