import { describe, expect, it } from 'vitest';
import {
  type GridRun,
  type GridSubject,
  gridSectionFor,
  predicted,
  predictedGridMs,
  runGrid,
} from '../../harness/capacity/grid.ts';
import { pointOf, pointSpec } from '../../harness/capacity/points.ts';
import { lossOf } from '../../harness/capacity/queue-model.ts';
import type { CapacityStudy, GridPoint } from '../../harness/capacity/result.ts';
import { runSearches, type SearchRun, type Subject } from '../../harness/capacity/run.ts';
import { type Attempt, type Criteria, holds, type Search, searchCapacity } from '../../harness/capacity/search.ts';
import { capacityOf } from '../../harness/capacity/summarise.ts';
import { createRandom, type Random } from '../../harness/random.ts';
import type { CompletedTrial, TrialResult, TrialSpec } from '../../harness/result.ts';
import { renderCapacity, renderCapacityMarkdown } from '../../reports/capacity.ts';
import { type GridTable, gridTables } from '../../reports/capacity-grid.ts';
import { columns } from '../../reports/columns.ts';
import { fakeContext } from '../fixtures/plan-context.ts';
import { fixturePlan, fixtureTrials } from '../fixtures/study.ts';

const CRITERIA: Criteria = { lossFraction: 0.001, achievedLeast: 0.99, resolution: 0.05, leastPerS: 1000 };

/** Loses what comes faster than `servedPerS`; the generator makes at most `generatedPerS`; now and then a bad trial. */
function backend(servedPerS: number, generatedPerS: number, badShare = 0, random: Random = createRandom(1)) {
  return async (offeredPerS: number | null): Promise<Attempt> => {
    const achievedPerS = Math.min(offeredPerS ?? Number.POSITIVE_INFINITY, generatedPerS);
    const bad = random.next() < badShare;
    return { offeredPerS, achievedPerS, lossFraction: bad ? 0.2 : Math.max(0, 1 - servedPerS / achievedPerS) };
  };
}

describe('the search', () => {
  it.each([1800, 47_000, 333_333, 2_900_000])('finds a capacity of %d within its resolution', async (servedPerS) => {
    const { outcome, attempts } = await searchCapacity(backend(servedPerS, 3_000_000), CRITERIA);
    if (outcome.kind !== 'found') throw new Error(outcome.kind);
    // A rate a thousandth above what is served loses a thousandth.
    expect(outcome.heldPerS).toBeLessThanOrEqual(servedPerS / 0.999);
    expect(outcome.failedPerS).toBeGreaterThan(servedPerS);
    expect(outcome.failedPerS / outcome.heldPerS).toBeLessThanOrEqual(1.05);
    for (const one of attempts) expect(holds(one, CRITERIA)).toBe(one.achievedPerS <= servedPerS / 0.999);
  });

  it('says that the load generator ended first where nothing is lost at full speed', async () => {
    const { outcome, attempts } = await searchCapacity(backend(5_000_000, 3_000_000), CRITERIA);
    expect(outcome).toEqual({ kind: 'generator-limit', heldPerS: 3_000_000 });
    expect(attempts).toHaveLength(2);
    expect(attempts.map(({ offeredPerS }) => offeredPerS)).toEqual([null, null]);
  });

  it('says so where not even the least rate is held', async () => {
    const { outcome, attempts } = await searchCapacity(backend(500, 3_000_000), CRITERIA);
    expect(outcome).toEqual({ kind: 'below-least', failedPerS: 1000 });
    expect(attempts.at(-1)?.offeredPerS).toBe(1000);
  });

  it('does not count a rate as held that was not achieved', () => {
    const attempt = { offeredPerS: 1000, achievedPerS: 989, lossFraction: 0 };
    expect(holds(attempt, CRITERIA)).toBe(false);
    expect(holds({ ...attempt, achievedPerS: 990 }, CRITERIA)).toBe(true);
    expect(holds({ ...attempt, achievedPerS: 1000, lossFraction: 0.0011 }, CRITERIA)).toBe(false);
    expect(holds({ ...attempt, offeredPerS: null }, CRITERIA)).toBe(true);
  });

  it('is not led astray by one bad trial in ten: nine of ten searches are within a tenth', async () => {
    let near = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { outcome } = await searchCapacity(backend(200_000, 3_000_000, 0.1, createRandom(seed)), CRITERIA);
      if (outcome.kind === 'found' && Math.abs(outcome.heldPerS / 200_000 - 1) < 0.1) near++;
    }
    expect(near).toBeGreaterThanOrEqual(180);
  });

  it('ends with what a trial ends with', async () => {
    await expect(searchCapacity(() => Promise.reject(new Error('gone')), CRITERIA)).rejects.toThrow('gone');
  });
});

const found = (heldPerS: number): Search => ({
  outcome: { kind: 'found', heldPerS, failedPerS: heldPerS * 1.04 },
  attempts: [],
});
const limited = (heldPerS: number): Search => ({ outcome: { kind: 'generator-limit', heldPerS }, attempts: [] });
const below: Search = { outcome: { kind: 'below-least', failedPerS: 1000 }, attempts: [] };

describe('the capacity', () => {
  it('is the median of the searches with its interval', () => {
    const searches = [5, 1, 7, 3, 2, 6, 4].map((n) => found(n * 1000));
    expect(capacityOf(searches, 'drops')).toEqual({
      perS: 4000,
      low: 1000,
      high: 7000,
      confidence: 1 - 2 / 128,
      meaning: 'held',
    });
  });

  it('has no interval below six searches, and none at all without searches', () => {
    expect(capacityOf([found(1), found(2), found(3)], 'drops')).toEqual({
      perS: 2,
      low: null,
      high: null,
      confidence: 0,
      meaning: 'held',
    });
    expect(capacityOf([], 'drops')).toBeNull();
  });

  it('is at least the limit of the load generator where half of the searches ended there, without an upper end', () => {
    const searches = [
      found(900),
      found(800),
      limited(3000),
      limited(3100),
      limited(2900),
      limited(3050),
      limited(3020),
    ];
    expect(capacityOf(searches, 'drops')).toMatchObject({ perS: 3000, low: 800, high: null, meaning: 'at-least' });
  });

  it('is what is let through where the workload is made to wait, with both ends', () => {
    const searches = [91, 90, 94, 89, 93, 92, 95].map((n) => limited(n * 1000));
    expect(capacityOf(searches, 'blocks')).toMatchObject({
      perS: 92_000,
      low: 89_000,
      high: 95_000,
      meaning: 'let-through',
    });
  });

  it('is less than the least rate where that is not held, without a lower end', () => {
    const searches = [below, below, below, below, found(1100), found(1200), found(1300)];
    expect(capacityOf(searches, 'drops')).toMatchObject({ perS: 1000, low: null, high: 1300, meaning: 'less-than' });
  });
});

// ---------------------------------------------------------------- the searches of a study

const plan = fixturePlan({ workloads: ['null'], variants: ['ebpf', 'ptrace'] });
const subjects: Subject[] = plan.cells
  .filter(({ baselineCellId }) => baselineCellId !== null)
  .map(({ trial }) => ({ variant: trial.variant, trial }));

/** A trial of the fixture that was asked for a rate and lost what `served` says. */
function answer(spec: TrialSpec, servedPerS: number): TrialResult {
  const [plausible] = fixtureTrials({ ...plan, cells: [{ cellId: spec.cellId, baselineCellId: null, trial: spec }] });
  const trial = plausible as CompletedTrial;
  const { accounting, section } = trial;
  if (accounting.delivers !== 'records' || section === null) throw new Error('the fixture changed');
  const pace = spec.workload.kind === 'stamped' ? spec.workload.pace : undefined;
  const achievedPerS = Math.min(pace?.ratePerS ?? Number.POSITIVE_INFINITY, 3e6);
  const complete = Math.round(accounting.issued * Math.min(1, servedPerS / achievedPerS));
  return {
    ...trial,
    spec,
    section: { ...section, durationNs: (section.calls * 1e9) / achievedPerS },
    accounting: { ...accounting, complete },
  };
}

function searchRun(changed: Partial<SearchRun> = {}): SearchRun & { order: string[] } {
  const order: string[] = [];
  return {
    order,
    subjects,
    searches: 3,
    criteria: CRITERIA,
    sectionMs: 500,
    random: createRandom(3),
    runTrial: async (spec) => answer(spec, spec.variant === 'ebpf' ? 100_000 : 9e9),
    stop: new AbortController().signal,
    tried: () => undefined,
    searched: (variant, search) => order.push(`${variant} ${search}`),
    ...changed,
  };
}

describe('the searches of several backends', () => {
  it('take turns, pass by pass, and keep what the kernel granted', async () => {
    const run = searchRun();
    const result = await runSearches(run);
    expect(run.order.map((text) => text.split(' ')[1])).toEqual(['0', '0', '1', '1', '2', '2']);
    expect(new Set(run.order).size).toBe(6);
    const { searches, failures, geometry } = result.get('ebpf') ?? { searches: [] };
    expect(searches).toHaveLength(3);
    for (const { outcome } of searches) expect(outcome).toMatchObject({ kind: 'found' });
    expect(failures).toEqual([]);
    expect(geometry?.callsInFlight).toBe(87_381);
    expect(result.get('ptrace')?.searches[0]?.outcome.kind).toBe('generator-limit');
  });

  it('offer rates in an open loop as long as a section, never with fewer calls than the closed loop makes', async () => {
    const specs: TrialSpec[] = [];
    await runSearches(
      searchRun({
        searches: 1,
        runTrial: async (spec) => {
          specs.push(spec);
          return answer(spec, 100_000);
        },
      }),
    );
    const stamped = specs.map(
      ({ variant, workload }) => ({ variant, ...workload }) as { variant: string; calls: number },
    );
    for (const { variant, calls } of stamped)
      expect(calls).toBeGreaterThanOrEqual(variant === 'ebpf' ? 1_900_000 : 17_000);
    const paced = stamped.filter((spec) => 'pace' in spec) as unknown as {
      calls: number;
      pace: { ratePerS: number };
    }[];
    expect(paced.length).toBeGreaterThan(4);
    for (const { calls, pace } of paced) expect(calls).toBeGreaterThanOrEqual(pace.ratePerS * 0.5);
    expect(new Set(specs.map(({ trialId }) => trialId)).size).toBe(specs.length);
  });

  it('lose a search, and say why, where a trial fails or its books are wrong', async () => {
    let calls = 0;
    const run = searchRun({
      runTrial: async (spec) => {
        const result = answer(spec, 9e9) as CompletedTrial;
        calls++;
        if (calls === 1)
          return {
            version: 2,
            spec,
            startedAt: '',
            wallMs: 1,
            status: 'failed',
            error: { code: 'DIED', message: 'gone', mend: null },
          };
        if (calls === 2 && result.accounting.delivers === 'records')
          return {
            ...result,
            accounting: { ...result.accounting, verdict: 'error', reasons: ['a stamp nobody issued'] },
          };
        return result;
      },
    });
    const result = await runSearches(run);
    const failures = [...result.values()].flatMap((one) => one.failures);
    expect(failures).toEqual(['search 1: DIED: gone', 'search 1: a stamp nobody issued']);
    expect([...result.values()].map(({ searches }) => searches.length)).toEqual([2, 2]);
  });

  it('end when they are stopped, with the searches that were done', async () => {
    const stop = new AbortController();
    const run = searchRun({
      stop: stop.signal,
      runTrial: async (spec) => {
        if (spec.trialId.includes('#1.')) {
          stop.abort();
          throw new Error('stopped');
        }
        return answer(spec, 9e9);
      },
    });
    const result = await runSearches(run);
    expect([...result.values()].map(({ searches }) => searches.length)).toEqual([1, 1]);
  });
});

describe('the loss grid', () => {
  const buffer = { bytesPerCall: 96, perCpu: true, granularity: 'call' } as const;
  const { machine } = fakeContext();
  const own = (variant: string) => (subjects.find((subject) => subject.variant === variant) as Subject).trial;
  const subject = (variant: string, fullSpeedPerS = 2_560_000): GridSubject => ({
    variant,
    trial: own('ebpf'),
    buffer,
    fullSpeedPerS,
  });
  /** Loses what of a burst does not fit; the generator makes at most 700,000 a second, the kernel grants a tenth more. */
  const base = answer({ ...own('ebpf'), trialId: '', round: 0, order: 0, warmup: false }, 9e9) as CompletedTrial;
  function lossy(spec: TrialSpec): TrialResult {
    const done = { ...base, spec };
    const { workload } = spec;
    if (workload.kind !== 'stamped' || done.accounting.delivers !== 'records' || !done.section)
      throw new Error('the fixture changed');
    const { calls, pace } = workload;
    const callsInFlight = Math.round((spec.inFlight ?? 0) * 1.1);
    const burst = pace?.burstCalls ?? calls;
    const lost = burst === 1 ? 0 : Math.max(0, 1 - callsInFlight / burst);
    const durationNs = pace ? (calls * 1e9) / Math.min(pace.ratePerS, 600_000) : (calls * 1e9) / 2_560_000;
    return {
      ...done,
      section: { ...done.section, calls, durationNs, waitedNs: durationNs - (calls * 1e9) / 2_560_000 },
      accounting: { ...done.accounting, issued: calls, complete: calls - Math.round(calls * lost) },
      geometry: { ...done.geometry, callsInFlight },
    };
  }
  function gridRun(changed: Partial<GridRun> = {}): GridRun & { specs: TrialSpec[] } {
    const specs: TrialSpec[] = [];
    return {
      specs,
      subjects: [subject('ebpf'), subject('perf')],
      machine,
      random: createRandom(4),
      sectionMs: 500,
      repeats: 3,
      stop: new AbortController().signal,
      told: () => undefined,
      runTrial: async (spec) => {
        specs.push(spec);
        return lossy(spec);
      },
      ...changed,
    };
  }

  it('has every rate evenly and in bursts of the same average into every buffer, three times, backends in turn', async () => {
    const run = gridRun();
    const grids = await runGrid(run);
    const { points, failures } = grids.get('ebpf') ?? { points: [], failures: ['none'] };
    expect(failures).toEqual([]);
    expect(points).toHaveLength(3 * (5 + 3 * 4));
    expect(points.every(({ trials }) => trials.length === 3)).toBe(true);
    const even = points.filter(({ burstCalls, callsInFlight }) => burstCalls === 1 && callsInFlight === 1000);
    expect(even.map(({ offeredPerS }) => offeredPerS)).toEqual([10_000, 40_000, 160_000, 640_000, null]);
    expect(new Set(run.specs.map(({ trialId }) => trialId)).size).toBe(run.specs.length);
    expect(run.specs).toHaveLength(2 * 51 * 3);
    expect(new Set(run.specs.slice(0, 51).map(({ trialId }) => trialId.split('@')[0])).size).toBe(2);
    expect(new Set(run.specs.slice(0, 102).map(({ round }) => round))).toEqual(new Set([0]));
    const burst = points.find((p) => p.burstCalls === 1000 && p.offeredPerS === 40_000 && p.callsInFlight === 1000);
    expect(burst).toMatchObject({ bursts: 20, callsInFlightHad: 1100, offered: 'held' });
    const paced = run.specs.filter(({ trialId }) => trialId.startsWith('ebpf@1000x1000/40000#'));
    for (const { workload, bufferBytes } of paced) {
      expect(workload).toMatchObject({ calls: 20_000, pace: { ratePerS: 40_000, burstCalls: 1000 } });
      expect(bufferBytes).toBe(1000 * 96 * 2);
    }
    expect(paced).toHaveLength(3);
  });

  it('makes a burst whose next one is due too late alone, and blanks what the generator did not keep', async () => {
    const run = gridRun();
    const { points } = (await runGrid(run)).get('perf') as { points: GridPoint[] };
    const alone = points.filter(({ bursts }) => bursts === 1);
    expect(alone.every(({ offeredPerS, burstCalls }) => burstCalls > (offeredPerS ?? 0) / 4)).toBe(true);
    expect(alone.length).toBeGreaterThan(6);
    expect(alone.every(({ offered }) => offered === 'held')).toBe(true);
    expect(
      run.specs
        .filter(({ trialId }) => trialId.includes('x100000/10000#'))
        .every(({ workload }) => !('pace' in workload)),
    ).toBe(true);
    const missed = points.filter(({ offered }) => offered === 'not-achieved');
    expect(missed.length).toBeGreaterThan(0);
    expect(missed.every(({ offeredPerS, bursts }) => offeredPerS === 640_000 && bursts !== 1)).toBe(true);
  });

  it('leaves out a trial that cannot count, and ends with what there is when it is stopped', async () => {
    const stop = new AbortController();
    let trials = 0;
    const run = gridRun({
      stop: stop.signal,
      runTrial: async (spec) => {
        if (++trials === 7) {
          const done = lossy(spec) as CompletedTrial;
          return { ...done, accounting: { ...done.accounting, verdict: 'under-reported', reasons: ['odd'] } as never };
        }
        if (trials === 150) {
          stop.abort();
          throw new Error('stopped');
        }
        return lossy(spec);
      },
    });
    const grids = [...(await runGrid(run)).values()];
    expect(grids.flatMap(({ failures }) => failures)).toEqual([
      expect.stringMatching(/^\d+ calls in flight, bursts of \d+: odd$/),
    ]);
    const counted = grids.flatMap(({ points }) => points).reduce((n, { trials: some }) => n + some.length, 0);
    expect(counted).toBe(148);
  });

  it('divides the waiting among the threads that waited', async () => {
    const threads = 2;
    const trial = { ...own('ebpf'), workload: { ...own('ebpf').workload, threads } as TrialSpec['workload'] };
    const run = gridRun({
      subjects: [{ ...subject('ebpf'), trial }],
      runTrial: async (spec) => {
        const done = lossy(spec) as CompletedTrial;
        if (done.section === null) throw new Error('the fixture changed');
        return { ...done, section: { ...done.section, waitedNs: threads * done.section.waitedNs } };
      },
    });
    const { points, failures } = (await runGrid(run)).get('ebpf') as { points: GridPoint[]; failures: string[] };
    expect(failures).toEqual([]);
    for (const { peakPerS } of points.flatMap(({ trials }) => trials)) expect(peakPerS / 2_560_000).toBeCloseTo(1, 6);
  });

  it('does not ask for buffers that the machine cannot spare', async () => {
    const run = gridRun({ subjects: [subject('ebpf')], machine: { ...machine, memoryBytes: 4 * 1000 * 96 * 2 } });
    const { points, failures } = (await runGrid(run)).get('ebpf') as { points: GridPoint[]; failures: string[] };
    expect(failures).toEqual(["10000 calls in flight take more than a quarter of this machine's memory"]);
    const large = points.filter(({ callsInFlight }) => callsInFlight === 10_000);
    expect(large.every(({ offered, trials }) => offered === 'not-measured' && trials.length === 0)).toBe(true);
    expect(run.specs).toHaveLength(34 * 3);
  });

  it('is predicted by a queue that was fitted elsewhere, where it was offered', async () => {
    const { points } = (await runGrid(gridRun())).get('ebpf') as { points: GridPoint[] };
    const told = predicted(points, { servedPerS: 1e6, pauseMs: 0.1, bufferShare: 1 });
    for (const { offered, predictedLoss } of told) expect(predictedLoss === null).toBe(offered !== 'held');
    const burst = told.find((p) => p.burstCalls === 10_000 && p.offeredPerS === 160_000 && p.callsInFlight === 1000);
    // 1100 fit, a million a second are served while 2.56 million come, asleep for the first of it.
    const load = { peakPerS: 2_560_000, burstCalls: 10_000, intervalMs: 62.5, bursts: 8 };
    expect(burst?.predictedLoss).toBeCloseTo(lossOf(load, { servedPerS: 1e6, pauseMs: 0.1, bufferCalls: 1100 }), 6);
    const slow = told.find((p) => p.burstCalls === 1 && p.offeredPerS === 10_000);
    expect(slow?.predictedLoss).toBe(0);
  });

  it('takes as long as was said, and is fitted into less', () => {
    const options = { sectionMs: 500, repeats: 3 };
    expect(predictedGridMs(2, options)).toBe(2 * 51 * 3 * 700);
    expect(gridSectionFor(predictedGridMs(2, options), 2, 3)).toBe(500);
    expect(gridSectionFor(1000, 2, 3)).toBe(0);
  });

  it('is drawn as a table a backend, blank where nothing was offered', async () => {
    const { points } = (await runGrid(gridRun())).get('ebpf') as { points: GridPoint[] };
    const [first, ...rest] = points as [GridPoint, ...GridPoint[]];
    const spread = {
      ...first,
      trials: [0.02, 0.5, 0.01].map((lossFraction) => ({
        ...(first.trials[0] as GridPoint['trials'][number]),
        lossFraction,
      })),
    };
    const row = (grid: GridPoint[]) =>
      ({
        variants: [{ variant: 'ebpf', grid: { points: grid, failures: ['odd', 'odd'] } }],
      }) as unknown as CapacityStudy;
    const [table] = gridTables(row([spread, ...rest])) as [GridTable];
    expect(table.columns).toEqual(
      columns(
        'right:ebpf\ncalls in flight',
        'left:load',
        ...['10.0 k/s', '40.0 k/s', '160 k/s', '640 k/s', 'full speed'].map((head) => `right:${head}`),
      ),
    );
    expect(table.text).toBe('Left out: odd.');
    expect(table.rows).toHaveLength(12);
    expect(table.rows[0]).toEqual(['110', 'evenly', '2 % [1, 50.0]', '0 %', '0 %', '–', '99.991 %']);
    expect(table.rows[3]).toEqual(['110', 'bursts of 100,000', '99.8 %°', '99.8 %°', '99.8 %°', '–', '–']);
    const fit = { servedPerS: 1e9, pauseMs: 0, bufferShare: 1 };
    const [withModel] = gridTables(row(predicted(points, fit))) as [GridTable];
    expect(withModel.columns.at(-1)).toEqual({ head: 'model\noff by', align: 'right' });
    expect(withModel.rows[3]?.at(-1)).toBe('99.8 %');
  });
});

describe('a point as a trial', () => {
  const trial = (subjects[0] as Subject).trial;
  const buffer = { bytesPerCall: 96, perCpu: true, granularity: 'call' } as const;
  const machine = fakeContext().machine;

  it('has a buffer of so many calls and bursts with room to drain between', () => {
    const spec = pointSpec(trial, buffer, machine, { callsInFlight: 500, burstCalls: 4000, bursts: 6 }, 2_000_000);
    expect(spec).toMatchObject({ inFlight: 500, bufferBytes: 500 * 96 * 2 });
    // 2 ms of burst, 10 ms and 20 more until the next.
    expect(spec.workload).toMatchObject({ calls: 24_000, pace: { ratePerS: 133_333, burstCalls: 4000 } });
  });

  it('is read from what was issued, what came, and how long the bursts took', () => {
    const spec = pointSpec(trial, buffer, machine, { callsInFlight: 500, burstCalls: 4000, bursts: 6 }, 2_000_000);
    const done = answer(spec, 9e9) as CompletedTrial;
    if (done.accounting.delivers !== 'records' || done.section === null) throw new Error('the fixture changed');
    const lossy: CompletedTrial = {
      ...done,
      section: { ...done.section, calls: 24_000, durationNs: 180e6, waitedNs: 170e6 },
      accounting: { ...done.accounting, issued: 24_000, complete: 18_000 },
      geometry: { ...done.geometry, callsInFlight: 512 },
    };
    expect(pointOf(lossy)).toEqual({
      load: { peakPerS: 2.4e6, burstCalls: 4000, intervalMs: 4000e3 / 133_333, bursts: 6 },
      callsInFlight: 512,
      lossFraction: 0.25,
    });
    // Two threads waited 85 ms each; the 24,000 calls of both came within the 10 ms left of 95.
    const two = { ...lossy, section: { ...done.section, calls: 24_000, durationNs: 95e6, waitedNs: 170e6 } };
    const workload = { ...spec.workload, threads: 2 } as CompletedTrial['spec']['workload'];
    expect(pointOf({ ...two, spec: { ...lossy.spec, workload } }).load.peakPerS).toBeCloseTo(2.4e6, 3);
    expect(() => pointOf(two)).toThrow('no time beside its waiting');
    expect(() =>
      pointOf({ ...lossy, accounting: { ...lossy.accounting, verdict: 'error', reasons: ['odd'] } as never }),
    ).toThrow('odd');
  });
});

describe('the table', () => {
  const study = {
    workload: 'null',
    searches: 7,
    criteria: CRITERIA,
    sectionMs: 1000,
    seed: 5,
    idle: 'native',
    complete: true,
    environment: { kernelRelease: '6.18', cpusOnline: 2, cpuModel: 'CPU', virtualisation: 'KVM' },
    variants: [
      {
        variant: 'perf',
        regime: 'drops',
        geometry: { bufferBytes: 8 << 20, callsInFlight: 29_127 },
        searches: new Array(7),
        failures: [],
        surface: null,
        capacity: capacityOf(
          [1, 2, 3, 4, 5, 6, 7].map((n) => found(n * 1e5)),
          'drops',
        ),
      },
      {
        variant: 'ebpf',
        regime: 'drops',
        geometry: null,
        searches: new Array(6),
        failures: ['search 3: DIED: gone'],
        surface: {
          fit: { servedPerS: 5.2e6, pauseMs: 0.31, bufferShare: 0.97 },
          fitted: new Array(24),
          tested: new Array(16),
          telling: 9,
          lossError: 0.021,
          bufferError: 0.12,
          holds: true,
        },
        capacity: capacityOf(new Array(6).fill(limited(3.1e6)), 'drops'),
      },
      {
        variant: 'odd',
        regime: 'drops',
        geometry: null,
        searches: [],
        failures: ['search 1: x'],
        surface: null,
        capacity: null,
      },
    ],
  } as unknown as CapacityStudy;

  it('has a row a backend, its interval, and what the figure means', () => {
    expect(renderCapacity({ ...study, spinners: 'theirs' })).toContain('Idle busy: theirs.');
    const text = renderCapacity(study);
    expect(text).not.toContain('Idle busy');
    expect(text).toMatch(
      /perf +drops +400 k\/s +\[100 k\/s, 700 k\/s\] +7 +29,127 +8 MiB +highest offered rate that is held/,
    );
    expect(text).toMatch(/ebpf +drops +≥ 3\.10 M\/s +\[3\.10 M\/s, ∞\] +6 \+ 1 failed +– +– +at least: nothing lost/);
    expect(text).toMatch(/odd +drops +– +– +0 \+ 1 failed +– +– +search 1: x/);
    expect(text).toContain('99.0 % is achieved and at most 0.1 % lost, to 5 %; median of 7 searches');
    const rows = renderCapacityMarkdown(study)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const capacity = rows.slice(0, 5);
    expect(new Set(capacity.map((row) => row.split('|').length)).size).toBe(1);
    const surface = rows.slice(5);
    expect(surface).toHaveLength(3);
    expect(new Set(surface.map((row) => row.split('|').length)).size).toBe(1);
    expect(surface[2]).toBe('| ebpf | 5.20 M/s | 310 µs | 97.0 % | 24 + 16 | 9 | 2.1 % | 12.0 % | holds |');
  });
});
