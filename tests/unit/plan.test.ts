import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { TRIAL_START_MS } from '../../harness/plan/costs.ts';
import { parseBurst, parseRate } from '../../harness/plan/pace.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import { planSchema } from '../../harness/result.ts';
import { roundTrials } from '../../harness/study/schedule.ts';
import { fakeBackends, fakeContext, MIB } from '../fixtures/plan-context.ts';

const ALL = ['none', 'ring', 'ring/count', 'stop', 'audit'];

function expand(settings: Settings, usable?: readonly string[], context = fakeContext()) {
  const request = resolveRequest(settings, context, 7);
  return expandPlan(request, usable ?? request.variants, context);
}

function refusal(work: () => unknown): TracebenchError {
  try {
    work();
  } catch (error) {
    if (error instanceof TracebenchError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('resolving a request', () => {
  it('takes the defaults of the profile and puts the baseline first', () => {
    const request = resolveRequest({}, fakeContext(), 7);
    expect(request.variants).toEqual(['none', 'ring', 'stop', 'audit']);
    expect(request.workloads.map(({ spec }) => spec.name)).toEqual(['null', 'file', 'exec']);
    expect(request).toMatchObject({ rounds: 6, warmupRounds: 1, timeBudgetMs: 50_000, seed: 7, bufferBytes: 8 * MIB });
  });

  it('runs exactly the rounds that were asked for, unless a time was asked for as well', () => {
    expect(resolveRequest({ rounds: 3 }, fakeContext(), 7).timeBudgetMs).toBeNull();
    expect(resolveRequest({ rounds: 3, maxTime: 9000 }, fakeContext(), 7).timeBudgetMs).toBe(9000);
  });

  it('knows a backend as its default variant, its star as all of them', () => {
    expect(resolveRequest({ backends: ['ring'] }, fakeContext(), 7).variants).toEqual(['none', 'ring']);
    expect(resolveRequest({ backends: ['ring/*'] }, fakeContext(), 7).variants).toEqual(['none', 'ring', 'ring/count']);
    expect(resolveRequest({ profile: 'full' }, fakeContext(), 7).variants).toEqual(ALL);
  });

  it.each([
    [{ backends: ['rnig'] }, /no backend or variant 'rnig'/, /did you mean ring\?/],
    [{ backends: ['ring/cuont'] }, /no backend or variant 'ring\/cuont'/, /did you mean ring\/count\?/],
    [{ require: ['nobody'] }, /no backend or variant 'nobody'/, /known: none, ring/],
    [{ workloads: ['fiel'] }, /no workload 'fiel'/, /did you mean file\?/],
    [{ workloads: ['null:4'] }, /'null:4' takes no number of threads/, /write null/],
    [{ workloads: ['threads:0'] }, /threads must be 1 … 64/, /threads:4/],
    [{ buffer: 4096 }, /below 8 KiB, one page for each of 2 CPUs/, /8MiB/],
    [
      { inFlight: 1e12, backends: ['ring'] },
      /--in-flight 1000000000000 takes .* under ring, more than a quarter/,
      /give fewer/,
    ],
    [
      { wakeup: [{ kind: 'watermark', value: 5 * MIB }], backends: ['ring'] },
      /--wakeup watermark:5242880 is more than the 4 MiB of buffer that one CPU reaches under ring/,
      /smaller watermark/,
    ],
    [
      { wakeup: [{ kind: 'watermark', value: MIB }], inFlight: 100, backends: ['ring'] },
      /--wakeup watermark:1048576 is more than the 9\.4 KiB/,
      /larger .*--in-flight/,
    ],
    [{ buffer: 1025 * MIB }, /more than a quarter of this machine's memory/, /at most 1 GiB/],
  ] as [Settings, RegExp, RegExp][])('refuses %o', (settings, message, mend) => {
    const error = refusal(() => resolveRequest(settings, fakeContext(), 7));
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
    expect(error.mend).toMatch(mend);
  });

  it('makes a command the only workload, unless others are named', () => {
    const command = ['/usr/bin/find', '/usr'];
    const alone = resolveRequest({ command }, fakeContext(), 7);
    expect(alone.workloads.map(({ spec }) => spec)).toEqual([
      { kind: 'application', name: 'find /usr', argv: command },
    ]);
    const both = resolveRequest({ command, workloads: ['null'] }, fakeContext(), 7);
    expect(both.workloads.map(({ spec }) => spec.name)).toEqual(['null', 'find /usr']);
  });
});

describe('expanding a plan', () => {
  it('is a valid plan with unique cells, each with a baseline that makes the same calls', () => {
    const { plan } = expand({ profile: 'full', workloads: ['null', 'file', 'threads:3', 'exec'] });
    expect(planSchema.parse(plan)).toEqual(plan);
    const byId = new Map(plan.cells.map((cell) => [cell.cellId, cell]));
    expect(byId.size).toBe(plan.cells.length);
    const traced = plan.cells.filter(({ trial }) => trial.variant !== 'none' && !trial.soaked);
    expect(traced.filter(({ trial }) => trial.inFlight === null)).toHaveLength(4 * 4);
    expect(traced.filter(({ trial }) => trial.inFlight === 10_000)).toHaveLength(4 * 2);
    for (const cell of traced) {
      const baseline = byId.get(cell.baselineCellId ?? '');
      expect(baseline?.trial.variant).toBe('none');
      expect(baseline?.trial.workload).toEqual(cell.trial.workload);
      expect(baseline?.trial.auditContext).toBe(cell.trial.auditContext);
      expect(baseline?.trial.workloadCpus).toEqual(cell.trial.workloadCpus);
      expect(baseline?.baselineCellId).toBeNull();
    }
  });

  it('stresses a dropping backend with 20 buffers, lets a blocking one last, and counts with the dropping', () => {
    const { plan } = expand({ profile: 'full', workloads: ['null'] });
    const calls = (variant: string) => {
      const workload = plan.cells.find((cell) => cell.trial.variant === variant)?.trial.workload;
      return workload?.kind === 'stamped' ? workload.calls : 0;
    };
    const inFlight = (8 * MIB) / 2 / 96;
    expect(calls('ring')).toBeGreaterThanOrEqual(20 * inFlight);
    expect(calls('ring')).toBeLessThan(22 * inFlight);
    expect(calls('ring/count')).toBe(calls('ring'));
    expect(calls('stop') * 16e-6).toBeGreaterThanOrEqual(0.2);
    expect(calls('stop')).toBeLessThan(calls('ring') / 10);
  });

  it('gives each buffered backend a second cell, sized in calls, stressed, beside a baseline of the same calls', () => {
    const { plan } = expand({ workloads: ['null'], backends: ['ring/*', 'stop'], inFlight: 10_000 });
    expect(plan).toMatchObject({ inFlight: 10_000, bufferBytes: 8 * MIB });
    const inCalls = plan.cells.filter(({ trial }) => trial.inFlight !== null);
    expect(inCalls.map(({ cellId }) => cellId)).toEqual(['null/230000/ring@10000calls']);
    expect(inCalls[0]?.trial).toMatchObject({ inFlight: 10_000, bufferBytes: 10_000 * 96 * 2 });
    expect(inCalls[0]?.baselineCellId).toBe('null/230000/none');
    expect(plan.cells.find(({ cellId }) => cellId === 'null/230000/none')?.trial).toMatchObject({ inFlight: null });
    const inBytes = plan.cells.filter(({ trial }) => trial.inFlight === null && trial.variant !== 'none');
    expect(inBytes.map(({ trial }) => [trial.variant, trial.bufferBytes])).toEqual([
      ['ring', 8 * MIB],
      ['ring/count', 8 * MIB],
      ['stop', 8 * MIB],
    ]);
    expect(expand({ workloads: ['null'], backends: ['ring'] }).plan.inFlight).toBeNull();
    expect(expand({ profile: 'full', workloads: ['null'] }).plan.inFlight).toBe(10_000);
    expect(expand({ workloads: ['null'], backends: ['stop'], inFlight: 9 }).notes).toEqual([
      'no cell of 9 calls in flight: nothing here has a buffer',
    ]);
  });

  it('sizes a command\u2019s cells in calls too, and --calls leaves two ids for one number of calls', () => {
    const ids = (settings: Settings) => expand(settings).plan.cells.map(({ cellId }) => cellId);
    expect(ids({ command: ['true'], backends: ['ring'], inFlight: 50 })).toEqual([
      'true/none',
      'true/ring',
      'true/ring@50calls',
    ]);
    // Of its own accord the profile sizes only stamped workloads in calls.
    expect(ids({ profile: 'full', command: ['true'], backends: ['ring'] })).toEqual(['true/none', 'true/ring']);
    expect(ids({ workloads: ['null'], backends: ['ring'], calls: 1000, inFlight: 50 })).toEqual([
      'null/1000/none',
      'null/500/none',
      'null/1000/ring',
      'null/1000/ring@50calls',
    ]);
  });

  it('makes no section too short to mean anything, however small the buffer', () => {
    const { plan } = expand({ workloads: ['null'], backends: ['ring'], inFlight: 1 });
    const cell = plan.cells.find(({ trial }) => trial.inFlight === 1);
    expect(cell?.trial.workload).toMatchObject({ calls: 29_000 });
  });

  it('shares numbers of calls, and with them baselines, where at most twice the calls do it', () => {
    const context = fakeContext();
    const sized = (bytesPerCall: number, perCpu: boolean) => {
      const backends = context.backends.map((backend) =>
        backend.name === 'ring'
          ? {
              ...backend,
              variants: backend.variants.map((variant) =>
                variant.buffer ? { ...variant, buffer: { ...variant.buffer, bytesPerCall, perCpu } } : variant,
              ),
            }
          : backend,
      );
      const settings: Settings = { workloads: ['null'], backends: ['ring', 'ring/count'], profile: 'full' };
      const { plan } = expand({ ...settings, inFlight: 10_000 }, undefined, fakeContext({ backends }));
      const calls = (id: string) => {
        const trial = plan.cells.find(({ cellId }) => cellId.endsWith(id))?.trial;
        return trial?.workload.kind === 'stamped' ? trial.workload.calls : 0;
      };
      return [calls('/ring'), calls('/ring/count'), calls('/ring@10000calls')];
    };
    expect(sized(96, true)).toEqual([920_000, 920_000, 230_000]);
    expect(sized(112, true)).toEqual([920_000, 920_000, 230_000]);
    expect(sized(96, false)).toEqual([1_900_000, 920_000, 230_000]);
    expect(sized(7000, true)).toEqual([29_000, 920_000, 230_000]);
  });

  it('asks for strings in every cell but the baseline, and records that it did', () => {
    const settings: Settings = { workloads: ['null'], backends: ['stop'] };
    const { plan } = expand({ ...settings, detail: 'paths' });
    expect(plan.detail).toBe('paths');
    expect(new Map(plan.cells.map(({ trial }) => [trial.variant, trial.detail]))).toEqual(
      new Map([
        ['none', undefined],
        ['stop', 'paths'],
      ]),
    );
    expect(expand(settings).plan).not.toHaveProperty('detail');
  });

  it('uses --idle and --wakeup as given, and says who keeps its own', () => {
    const settings: Settings = { workloads: ['null'], backends: ['ring/*', 'stop'], idle: 'busy' };
    const { plan, notes } = expand({ ...settings, wakeup: [{ kind: 'adaptive' }] });
    expect(plan).toMatchObject({ idle: 'busy', wakeups: [{ kind: 'adaptive' }], placement: null });
    for (const { trial } of plan.cells) expect(trial.idle).toBe('busy');
    const wakeups = new Map(plan.cells.map(({ trial }) => [trial.variant, trial.wakeup.kind]));
    expect(Object.fromEntries(wakeups)).toEqual({
      none: 'timer',
      ring: 'adaptive',
      'ring/count': 'timer',
      stop: 'sync',
    });
    expect(notes).toEqual([
      'ring/count keeps its own wake-up: it delivers no records that anybody would be woken for',
      'stop keeps its own wake-up: every call is a wake-up (sync)',
    ]);
    expect(expand(settings).notes).toEqual([]);
    expect(expand({ ...settings, placement: 'same' }).plan).toMatchObject({ placement: 'same', wakeups: [] });
  });

  it('makes a cell for each wake-up asked for, but none that the variant cannot have', () => {
    const settings: Settings = {
      workloads: ['null'],
      backends: ['ring/*', 'stop', 'audit'],
      wakeup: [{ kind: 'adaptive' }, { kind: 'timer', value: 50 }, { kind: 'adaptive' }],
    };
    const request = resolveRequest(settings, fakeContext(), 7);
    const cannot = new Map([['audit', ['adaptive']]]);
    const { plan, notes } = expandPlan(request, request.variants, fakeContext(), cannot);
    const traced = plan.cells.filter(({ baselineCellId }) => baselineCellId !== null);
    expect(traced.map(({ cellId, trial }) => [cellId.replace(/^null\/\d+\//, ''), trial.wakeup])).toEqual([
      ['ring+adaptive', { kind: 'adaptive' }],
      ['ring+timer:50', { kind: 'timer', value: 50 }],
      ['ring/count', { kind: 'timer', value: 1000 }],
      ['stop', { kind: 'sync' }],
      ['audit+timer:50', { kind: 'timer', value: 50 }],
    ]);
    expect(plan.wakeups).toEqual([{ kind: 'adaptive' }, { kind: 'timer', value: 50 }]);
    expect(notes).toContain('audit has no cell with wake-up adaptive: it cannot be woken so');
    expect(planSchema.parse(plan)).toEqual(plan);
  });

  it('makes an open loop of each rate and burst, as long as a section, each with a baseline of its own', () => {
    const settings: Settings = {
      workloads: ['null', 'file'],
      backends: ['ring'],
      rate: [parseRate('1k', 'r'), parseRate('0.3M', 'r')],
      burst: [parseBurst('3000/10ms', 'b')],
      section: 500,
    };
    const { plan, notes, predictedRoundMs } = expand(settings);
    expect(plan.cells.map(({ cellId }) => cellId)).toEqual([
      'null/500@1k/none',
      'null/500@1k/ring',
      'null/150000@300k/none',
      'null/150000@300k/ring',
      'null/150000@3kx10ms/none',
      'null/150000@3kx10ms/ring',
      'file/500@1k/none',
      'file/500@1k/ring',
      'file/150000@300k/none',
      'file/150000@300k/ring',
      'file/150000@3kx10ms/none',
      'file/150000@3kx10ms/ring',
    ]);
    expect(plan.cells[4]?.trial.workload).toEqual({
      kind: 'stamped',
      name: 'null',
      calls: 150_000,
      threads: 1,
      seed: 7,
      pace: { ratePerS: 300_000, burstCalls: 3000 },
    });
    expect(predictedRoundMs).toBe(12 * (500 + TRIAL_START_MS));
    expect(notes).toEqual([]);
    expect(planSchema.parse(plan)).toEqual(plan);
  });

  it('cuts the calls of what cannot keep up by far, and says so', () => {
    const { plan, notes } = expand({ workloads: ['null'], backends: ['stop'], rate: [parseRate('1M', 'r')] });
    const calls = new Map(plan.cells.map(({ trial }) => [trial.variant, (trial.workload as { calls: number }).calls]));
    expect(calls.get('stop')).toBeLessThan(400_000);
    expect(calls.get('none')).toBe(calls.get('stop'));
    expect(notes.join()).toMatch(/null at 1M\/s\/stop: cannot keep up, so \d+ calls instead of 1000000/);
  });

  it.each([
    [{ rate: [parseRate('1k', 'r')], command: ['true'] }, /a command makes its calls when it likes/, /--workloads/],
    [{ section: 500 }, /--section is the length of an open loop/, /give --rate or --burst/],
  ] as [Settings, RegExp, RegExp][])('refuses %j', (settings, message, mend) => {
    const error = refusal(() => resolveRequest(settings, fakeContext(), 7));
    expect(error.message).toMatch(message);
    expect(error.mend).toMatch(mend);
  });

  it('cuts calls that cannot be afforded and says so', () => {
    const { plan, notes } = expand({ workloads: ['exec'], backends: ['ring'] });
    const cell = plan.cells.find(({ trial }) => trial.variant === 'ring');
    expect(cell?.trial.workload).toMatchObject({ kind: 'stamped', name: 'exec' });
    expect(notes.join()).toMatch(/exec\/ring: 20 × the buffer .* the buffer is not stressed/);
  });

  it('makes whole iterations and readable names', () => {
    const { plan } = expand({ workloads: ['file', 'threads:3'], backends: ['ring', 'stop'] });
    for (const { cellId, trial } of plan.cells) {
      if (trial.workload.kind !== 'stamped') throw new Error('not stamped');
      if (trial.workload.name === 'file') expect(trial.workload.calls % 4).toBe(0);
      expect(cellId).toMatch(/^(file|threads:3)\/\d+\/(none|ring|stop)(\+cpu[\d.]+)?$/);
    }
  });

  it('gives every workload a second number of calls, so that proportionality can be checked', () => {
    const { plan } = expand({ workloads: ['null'], backends: ['ring'] });
    const numbers = plan.cells
      .filter(({ trial }) => trial.variant === 'none')
      .map(({ trial }) => (trial.workload.kind === 'stamped' ? trial.workload.calls : 0));
    expect(numbers).toHaveLength(2);
    expect((numbers[0] ?? 0) / (numbers[1] ?? 1)).toBe(2);
  });

  it('runs the baseline twice when there is nothing else', () => {
    const { plan } = expand({ workloads: ['null'], backends: ['none'] });
    const twin = plan.cells.find(({ cellId }) => cellId.endsWith('+twin'));
    const baseline = plan.cells.find(({ cellId }) => cellId === twin?.baselineCellId);
    expect(twin?.trial).toEqual({ ...baseline?.trial, cellId: twin?.cellId });
  });

  it('pairs a backend that needs an audit context with a baseline that has one', () => {
    const { plan, notes } = expand({ workloads: ['null'], backends: ['ring', 'audit'] });
    expect(notes.join()).toMatch(/audit: audit is enabled while these run; until the next boot/);
    const audit = plan.cells.find(({ trial }) => trial.variant === 'audit');
    expect(audit?.trial.auditContext).toBe('present');
    expect(audit?.baselineCellId).toMatch(/none\+audit$/);
    expect(plan.cells.find(({ trial }) => trial.variant === 'ring')?.baselineCellId).toMatch(/none$/);
  });

  it('leaves out what cannot run here, and only that', () => {
    const { plan } = expand({ workloads: ['null'] }, ['none', 'stop']);
    expect(plan.backends).toEqual(['none', 'stop']);
    expect(new Set(plan.cells.map(({ trial }) => trial.variant))).toEqual(new Set(['none', 'stop']));
  });

  it('places as asked, and by the variant when nothing is asked', () => {
    const place = (settings: Settings, variant: string, context = fakeContext()) => {
      const trial = expand(settings, undefined, context).plan.cells.find(
        (cell) => cell.trial.variant === variant,
      )?.trial;
      return [trial?.placement, trial?.workloadCpus, trial?.collectorCpus];
    };
    const settings: Settings = { workloads: ['null'], backends: ['ring', 'stop'] };
    expect(place(settings, 'ring')).toEqual(['other', [1], [0]]);
    expect(place(settings, 'stop')).toEqual(['same', [1], [1]]);
    expect(place({ ...settings, placement: 'free' }, 'stop')).toEqual(['free', null, null]);
    expect(place({ command: ['true'], backends: ['ring'] }, 'ring')).toEqual(['free', null, null]);
    // Two threads and a collector do not fit on two CPUs.
    const threads: Settings = { ...settings, workloads: ['threads:2'] };
    expect(place(threads, 'ring')).toEqual(['free', null, null]);
    expect(place({ ...threads, placement: 'other' }, 'ring')).toEqual(['other', [1], [0]]);
    const single = fakeContext({ machine: { cpus: [3], bufferCpus: 4, memoryBytes: 4096 * MIB, pageBytes: 4096 } });
    expect(place(settings, 'ring', single)).toEqual(['same', [3], [3]]);
    expect(refusal(() => place({ ...settings, placement: 'other' }, 'ring', single)).exitCode).toBe(3);
  });

  it('uses --calls and -e as given', () => {
    const { plan } = expand({
      workloads: ['null', 'file'],
      backends: ['ring', 'stop'],
      calls: 1234,
      events: ['open', 'close'],
    });
    for (const { trial } of plan.cells.filter(({ trial }) => trial.variant !== 'none')) {
      expect(trial.workload).toMatchObject({ calls: 1234 });
      expect(trial.filter).toEqual(['open', 'close']);
    }
  });

  it('predicts the quick study of three backends within its minute', () => {
    const { predictedRoundsMs, predictedRoundMs } = expand({ backends: ['ring', 'stop'] });
    const slow = fakeBackends.map((backend) => ({
      ...backend,
      variants: backend.variants.map((v) => (backend.name === 'ring' ? { ...v, aboutDetachMs: 10_000 } : v)),
    }));
    const detaching = expand({ backends: ['ring', 'stop'] }, undefined, fakeContext({ backends: slow }));
    // Three workloads, a cell of ring on each.
    expect((detaching.predictedRoundMs ?? 0) - (predictedRoundMs ?? 0)).toBeCloseTo(30_000, 6);
    expect(predictedRoundsMs).toBeGreaterThan(10_000);
    expect(predictedRoundsMs).toBeLessThan(50_000);
  });

  it('refuses rounds that do not fit the time', () => {
    const error = refusal(() => expand({ maxTime: 3000, rounds: 50 }));
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(/50 rounds of \d+ cells take about .*, --max-time allows 3\.0 s/);
  });

  it('does not predict a command', () => {
    expect(expand({ command: ['true'] }).predictedRoundsMs).toBeNull();
  });
});

describe('the order of trials', () => {
  const plan = expand({ workloads: ['null', 'file'] }).plan;

  it('is a permutation of all cells in every round, warm-up rounds marked', () => {
    for (const round of [0, 1, 2]) {
      const trials = roundTrials(plan, round);
      expect(trials.map((trial) => trial.cellId).sort()).toEqual(plan.cells.map((cell) => cell.cellId).sort());
      expect(trials.map((trial) => trial.order)).toEqual(trials.map((_, i) => i));
      expect(trials.every((trial) => trial.warmup === (round === 0))).toBe(true);
    }
  });

  it('follows from seed and round alone', () => {
    const order = (seed: number, round: number) => roundTrials({ ...plan, seed }, round).map((trial) => trial.cellId);
    expect(order(7, 1)).toEqual(order(7, 1));
    expect(order(7, 1)).not.toEqual(order(7, 2));
    expect(order(7, 1)).not.toEqual(order(8, 1));
  });
});
