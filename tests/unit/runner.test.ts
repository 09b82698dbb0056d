import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Wakeup } from '../../harness/backend.ts';
import { TracebenchError } from '../../harness/errors.ts';
import { OWN_HOST } from '../../harness/host/host.ts';
import { notMeasured } from '../../harness/plan/not-measured.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import type { BackendRow, Calibration, Environment, Study, TrialResult } from '../../harness/result.ts';
import type { StopReason, StopWatch } from '../../harness/stop.ts';
import { lockStudy } from '../../harness/study/lock.ts';
import { blockProgress, lineProgress, type Progress, silentProgress } from '../../harness/study/progress.ts';
import { runRounds } from '../../harness/study/runner.ts';
import { roundTrials } from '../../harness/study/schedule.ts';
import { exitCodeOf, prepareStudy, resumeStudy, type StudyRun, startStudy } from '../../harness/study/study.ts';
import { newStudyDir, readHead, readTrials } from '../../harness/study/study-files.ts';
import { fakeBackends, fakeContext } from '../fixtures/plan-context.ts';

const program = {
  entry: fileURLToPath(new URL('../fixtures/fake-trial.mjs', import.meta.url)),
  host: OWN_HOST,
};

const environment: Environment = {
  kernelRelease: '6.18.0',
  kernelVersion: '#1',
  arch: 'x64',
  cpuModel: 'made up',
  cpusOnline: 2,
  memoryBytes: 2 ** 32,
  virtualisation: 'none',
  preemption: 'voluntary',
  hz: 250,
  clocksource: 'tsc',
  mitigations: {},
  governor: null,
  capabilities: [],
  uid: 0,
  lockdown: null,
  btf: true,
  container: null,
  nodeVersion: 'v20.20.2',
  toolVersion: '0.1.0',
  gitRevision: null,
  osRelease: 'Debian 12',
};

const calibration: Calibration = {
  auditContext: 'absent',
  bareCallNs: 100,
  clockCostNs: 20,
  clockResolutionNs: 1,
  clockEntersKernel: false,
  pipeRoundTripSameCpuNs: 5000,
  pipeRoundTripCrossCpuNs: null,
  pipeRoundTripCrossCpuBusyNs: null,
  stealFraction: 0,
};

class Stopper implements StopWatch {
  readonly #controller = new AbortController();
  #reason: StopReason | null = null;
  readonly signal = this.#controller.signal;
  reason() {
    return this.#reason;
  }
  stop() {
    this.#reason = { exitCode: 130, text: 'interrupted (SIGINT)' };
    this.#controller.abort(this.#reason);
  }
  dispose() {}
}

let dir: string;
let log: string;
let written: { study: Study; trials: readonly TrialResult[] }[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-runner-'));
  log = join(dir, 'log');
  written = [];
  behave({});
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  delete process.env['FAKE_TRIAL'];
});

function behave(behaviours: Record<string, string>) {
  process.env['FAKE_TRIAL'] = JSON.stringify({ log, behave: behaviours });
}

function run(changed: Partial<StudyRun> = {}): StudyRun {
  return {
    program,
    backends: fakeBackends,
    services: {
      probe: async (variant) => ({ variant, answer: 'yes', reason: null, mend: null }),
      readEnvironment: async () => environment,
      calibrate: async () => calibration,
      joint: async () => {
        throw new Error('no reference was asked for');
      },
      write: async (_dir, study, trials) => {
        written.push({ study, trials });
        return ['result.json'];
      },
    },
    progress: silentProgress(),
    stop: new Stopper(),
    ...changed,
  };
}

const SMALL: Settings = { workloads: ['null'], backends: ['ring', 'stop'], rounds: 2, calls: 1000, seed: 5 };

async function start(settings: Settings, changed: Partial<StudyRun> = {}, name = 'study') {
  const context = fakeContext();
  const request = resolveRequest(settings, context, 1);
  const how = run(changed);
  const prepared = await prepareStudy(request, context, how.services.probe);
  return startStudy(
    { prepared, request, context, dir: join(dir, name), resultsDir: null, command: ['run', '--seed', '5'] },
    how,
  );
}

const ran = () => readFileSync(log, 'utf8').trimEnd().split('\n');
const recorded = (name = 'study') => readTrials(join(dir, name)).trials;

describe('a study', () => {
  it('runs every cell once a round in the planned order and records exactly that', async () => {
    const { study, exitCode } = await start(SMALL);
    const planned = [0, 1, 2].flatMap((round) => roundTrials(study.plan, round).map((spec) => spec.trialId));
    expect(ran()).toEqual(planned);
    expect(recorded().map((trial) => trial.spec.trialId)).toEqual(planned);
    expect(written[0]?.trials.map((trial) => trial.spec.trialId)).toEqual(planned);
    expect(study).toMatchObject({ complete: true, incompleteReason: null, studyId: 'study' });
    expect(exitCode).toBe(0);
  });

  it('has the baseline of every traced trial in the same round', async () => {
    const { study } = await start(SMALL);
    const baselines = new Map(study.plan.cells.map((cell) => [cell.cellId, cell.baselineCellId]));
    for (const trial of recorded()) {
      const baseline = baselines.get(trial.spec.cellId);
      if (baseline === null) continue;
      const same = recorded().filter(
        (other) => other.spec.round === trial.spec.round && other.spec.cellId === baseline,
      );
      expect(same).toHaveLength(1);
    }
    expect(study.cells.find((cell) => cell.variant === 'ring')?.slowdown?.estimate).toBeCloseTo(1.5, 3);
  });

  it('writes what it is about to do before the first trial', async () => {
    const { study } = await start(SMALL);
    const head = readHead(join(dir, 'study'));
    expect(head.plan).toEqual(study.plan);
    expect(head).toMatchObject({ studyId: 'study', command: ['run', '--seed', '5'], environment });
    expect(readdirSync(join(dir, 'study')).sort()).toEqual(['plan.json', 'trials.ndjson']);
  });

  it('goes on with whole rounds while one more fits into the budget', async () => {
    const context = fakeContext();
    const request = resolveRequest({ ...SMALL, backends: ['ring'], rounds: 1, maxTime: 60_000 }, context, 1);
    const { plan } = expandPlan(request, ['none', 'ring'], context);
    const trials: TrialResult[] = [];
    const outcome = await runRounds({
      plan,
      timeBudgetMs: 1000,
      program,
      recorded: [],
      record: (trial) => trials.push(trial),
      progress: silentProgress(),
      stop: new AbortController().signal,
      elapsedMs: () => trials.length * 100,
    });
    expect(plan.cells).toHaveLength(3);
    // 300 ms a round: the fourth would end at 1200.
    expect(trials).toHaveLength(3 * 3);
    expect(outcome).toEqual({ trials, complete: true });
  });

  /** Rounds of a plan that asks for a precision, with 100 ms on the clock for every trial. */
  async function untilHalfWidth(asked: number, timeBudgetMs: number | null, recorded: TrialResult[] = []) {
    const context = fakeContext();
    const settings = { ...SMALL, backends: ['ring'], rounds: 1, untilHalfWidth: asked };
    const { plan } = expandPlan(resolveRequest(settings, context, 1), ['none', 'ring'], context);
    const trials: TrialResult[] = [...recorded];
    const widest: unknown[] = [];
    await runRounds({
      plan,
      timeBudgetMs,
      program,
      recorded,
      record: (trial) => trials.push(trial),
      progress: { ...silentProgress(), roundEnded: (info) => widest.push(info.widest) },
      stop: new AbortController().signal,
      elapsedMs: () => trials.length * 100,
    });
    return { plan, trials, widest };
  }

  it('goes on until every slowdown is known as well as asked, and says which is not yet', async () => {
    const { plan, trials, widest } = await untilHalfWidth(0.02, null);
    expect(plan.untilHalfWidth).toBe(0.02);
    expect(trials).toHaveLength(3 * (1 + 8));
    expect(widest[7]).toEqual({ cellId: 'null/1000/ring', halfWidth: null });
    expect(widest[8]).toMatchObject({ cellId: 'null/1000/ring', halfWidth: expect.closeTo(0.00001, 4) });
  });

  it('ends with its time when it cannot be known as well, and goes on where it was', async () => {
    const { trials } = await untilHalfWidth(1e-9, 1500);
    expect(trials).toHaveLength(3 * 5);
    const half = trials.slice(0, 8);
    const { trials: resumed } = await untilHalfWidth(1e-9, 1500, half);
    expect(resumed.map(({ spec }) => spec.trialId)).toEqual(trials.map(({ spec }) => spec.trialId));
  });

  it.each([
    ['fail', 'BUSY', /somebody else has it/],
    ['garbage', 'PROTOCOL', /no JSON: all went well/],
    ['two-lines', 'PROTOCOL', /2 lines instead of one/],
    ['silent', 'PROTOCOL', /printed no result/],
    ['other-id', 'PROTOCOL', /answered for another#0 instead of null\/1000\/ring#1/],
    ['zero', 'PROTOCOL', /section lasted 0 ns/],
    ['crash', 'TRIAL_DIED', /exit code 7; it said: fake: this went wrong/],
  ])('records a trial that ends in %s as failed, and goes on', async (behaviour, code, message) => {
    behave({ 'null/1000/ring#1': behaviour });
    const { study, exitCode } = await start(SMALL);
    const failures = recorded().filter((trial) => trial.status === 'failed');
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ spec: { trialId: 'null/1000/ring#1' }, error: { code } });
    expect(failures[0]?.status === 'failed' && failures[0].error.message).toMatch(message);
    expect(recorded()).toHaveLength(3 * study.plan.cells.length);
    expect(study.cells.find((cell) => cell.cellId === 'null/1000/ring')?.trials).toMatchObject({
      completed: 1,
      failed: 1,
    });
    expect(exitCode).toBe(1);
  });

  it('keeps what was measured when it is stopped, marks it incomplete, and ends the running trial', async () => {
    behave({ 'null/1000/stop#1': 'hang' });
    const stop = new Stopper();
    const running = start(SMALL, { stop });
    while (!existsSync(log) || !ran().includes('null/1000/stop#1'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    stop.stop();
    const { study, exitCode } = await running;
    expect(exitCode).toBe(130);
    expect(study).toMatchObject({ complete: false, incompleteReason: 'interrupted (SIGINT)' });
    expect(study.calibration.after).toBeNull();
    expect(recorded().map((trial) => trial.spec.trialId)).toEqual(ran().slice(0, -1));
    expect(recorded().every((trial) => trial.status === 'completed')).toBe(true);
  });

  it('ends with nothing written when it is stopped before the first trial', async () => {
    const stop = new Stopper();
    stop.stop();
    await expect(start(SMALL, { stop })).rejects.toMatchObject({ exitCode: 130, message: /before the first trial/ });
    expect(existsSync(join(dir, 'study'))).toBe(false);
  });

  it('ends when a trial cannot be recorded, without a further one', async () => {
    const full: Progress = {
      ...silentProgress(),
      trialEnded() {
        throw new TracebenchError(1, 'the screen is full');
      },
    };
    await expect(start(SMALL, { progress: full })).rejects.toThrow('the screen is full');
    expect(ran()).toHaveLength(1);
    expect(written).toEqual([]);
  });

  it('says what cannot be written and how to go on', async () => {
    const services = {
      ...run().services,
      write: async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    };
    await expect(start(SMALL, { services })).rejects.toMatchObject({
      exitCode: 1,
      message: /cannot write the study to .*no space left/,
      mend: /free space there, then go on with: \.\/tracebench run --resume/,
    });
  });
});

describe('preparing', () => {
  const refusing = (refused: string) => async (variant: string) =>
    variant === refused
      ? ({ variant, answer: 'no', reason: 'no BTF', mend: 'a kernel with BTF' } as const)
      : ({ variant, answer: 'yes', reason: null, mend: null } as const);
  const prepare = (settings: Settings, refused: string) => {
    const context = fakeContext();
    return prepareStudy(resolveRequest(settings, context, 1), context, refusing(refused));
  };

  it('keeps a row for what cannot run', async () => {
    const { rows, plan } = await prepare(SMALL, 'ring');
    expect(rows.map((row) => [row.variant, row.answer])).toEqual([
      ['none', 'yes'],
      ['ring', 'no'],
      ['stop', 'yes'],
    ]);
    expect(plan.backends).toEqual(['none', 'stop']);
  });

  it('asks all but the baseline for the detail, and keeps a row for those that cannot', async () => {
    const asked: [string, string | undefined][] = [];
    const context = fakeContext();
    const request = resolveRequest({ ...SMALL, detail: 'paths' }, context, 1);
    const { rows, plan } = await prepareStudy(request, context, async (variant, _wakeup, detail) => {
      asked.push([variant, detail]);
      return variant === 'ring'
        ? { variant, answer: 'no', reason: 'it reads no strings: it is made up', mend: null }
        : { variant, answer: 'yes', reason: null, mend: null };
    });
    expect(asked).toEqual([
      ['none', undefined],
      ['ring', 'paths'],
      ['stop', 'paths'],
    ]);
    expect(rows.find((row) => row.variant === 'ring')?.reason).toContain('reads no strings');
    expect(plan.backends).toEqual(['none', 'stop']);
  });

  it('asks each source with the wake-up it is to run with, and those who keep their own with theirs', async () => {
    const asked: [string, Wakeup | undefined][] = [];
    const context = fakeContext();
    const settings: Settings = { ...SMALL, backends: ['ring/*', 'stop'], wakeup: [{ kind: 'adaptive' }] };
    const { plan } = await prepareStudy(resolveRequest(settings, context, 1), context, async (variant, wakeup) => {
      asked.push([variant, wakeup]);
      return variant === 'ring'
        ? { variant, answer: 'no', reason: 'the ring does not know this wake-up policy', mend: null }
        : { variant, answer: 'yes', reason: null, mend: null };
    });
    expect(asked).toEqual([
      ['none', undefined],
      ['ring', { kind: 'adaptive' }],
      ['ring/count', undefined],
      ['stop', undefined],
    ]);
    expect(plan.backends).toEqual(['none', 'ring/count', 'stop']);
  });

  it('names the wake-up among what was not measured, and equal calls where only bytes were equal', () => {
    const context = fakeContext();
    const left = (settings: Settings, rows: BackendRow[] = []) =>
      notMeasured(resolveRequest({ ...SMALL, ...settings }, context, 1), rows, context);
    const refused: BackendRow = { variant: 'ring', answer: 'no', reason: 'r', mend: null };
    expect(left({ wakeup: [{ kind: 'timer', value: 50 }] }, [refused])).toContainEqual({
      what: 'what this machine or user cannot run, or not with wake-up timer:50: ring',
      command: './tracebench doctor',
    });
    const equal = {
      what: expect.stringMatching(/hold equally many calls/),
      command: './tracebench run --in-flight 10000',
    };
    expect(left({})).toContainEqual(equal);
    expect(left({ inFlight: 3 })).not.toContainEqual(equal);
    expect(left({ backends: ['stop'] })).not.toContainEqual(equal);
  });

  it('names few variants one by one, many by their number, and open loops where all were closed', () => {
    const context = fakeContext();
    const [none, ring, ...rest] = context.backends;
    if (!none || !ring) throw new Error('the fixture changed');
    const [first] = ring.variants;
    if (!first) throw new Error('the fixture changed');
    const many = { ...ring, variants: [first, ...[...'abcdefgh'].map((name) => ({ ...first, name }))] };
    const left = (backends: typeof context.backends, settings: Settings = {}) => {
      const changed = { ...context, backends };
      return notMeasured(resolveRequest({ ...SMALL, ...settings }, changed, 1), [], changed);
    };
    expect(left(context.backends)).toContainEqual({
      what: 'variants that were not asked for: ring/count, audit',
      command: './tracebench run --backends ring/count,audit',
    });
    expect(left([none, many, ...rest])).toContainEqual({
      what: 'variants that were not asked for: ring/a, ring/b, ring/c, ring/d, ring/e, ring/f and 3 more',
      command: './tracebench run --profile full',
    });
    const open = {
      what: expect.stringMatching(/these loops are closed/),
      command: './tracebench run --rate 1k,10k,100k',
    };
    expect(left(context.backends)).toContainEqual(open);
    expect(left(context.backends, { rate: [{ ratePerS: 1000, burstCalls: 1 }] })).not.toContainEqual(open);
  });

  it('refuses when what is required cannot run', async () => {
    await expect(prepare({ ...SMALL, require: ['ring'] }, 'ring')).rejects.toMatchObject({
      exitCode: 3,
      message: /ring is required and cannot run here: no BTF/,
      mend: 'a kernel with BTF',
    });
  });

  it('refuses when nothing that was asked for can run', async () => {
    await expect(prepare({ ...SMALL, backends: ['ring'] }, 'ring')).rejects.toMatchObject({ exitCode: 3 });
  });
});

describe('resuming', () => {
  /** A study of 3 rounds whose file was cut after 4 whole trials, in the middle of the fifth. */
  async function cutStudy() {
    await start(SMALL);
    const path = join(dir, 'study', 'trials.ndjson');
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, `${lines.slice(0, 4).join('\n')}\n${lines[4]?.slice(0, 200)}`);
    const all = ran();
    rmSync(log);
    return all;
  }

  it('runs what is missing, in the order it would have had, behind what is there', async () => {
    const all = await cutStudy();
    const { study, exitCode } = await resumeStudy(join(dir, 'study'), run());
    expect(ran()).toEqual(all.slice(4));
    expect(recorded().map((trial) => trial.spec.trialId)).toEqual(all);
    expect(study.complete).toBe(true);
    expect(exitCode).toBe(0);
  });

  it('runs nothing when nothing is missing', async () => {
    await start({ ...SMALL, maxTime: 60_000, rounds: 1 }, { stop: stopAfter(8) });
    rmSync(log);
    await resumeStudy(join(dir, 'study'), run());
    const count = recorded().length;
    rmSync(log, { force: true });
    await resumeStudy(join(dir, 'study'), run());
    expect(existsSync(log)).toBe(false);
    expect(recorded()).toHaveLength(count);
  });

  function stopAfter(trials: number): Stopper {
    const stop = new Stopper();
    const timer = setInterval(() => {
      if (!existsSync(log) || ran().length < trials) return;
      clearInterval(timer);
      stop.stop();
    }, 5);
    return stop;
  }

  it.each([
    [{ kernelRelease: '6.19.0' }, /another state \(kernelRelease: "6\.18\.0" then, "6\.19\.0" now\)/],
    [{ toolVersion: '0.2.0' }, /was begun by tracebench 0\.1\.0 .* this is 0\.2\.0/],
  ] as [Partial<Environment>, RegExp][])('refuses another machine: %o', async (changed, message) => {
    await cutStudy();
    const services = { ...run().services, readEnvironment: async () => ({ ...environment, ...changed }) };
    await expect(resumeStudy(join(dir, 'study'), run({ services }))).rejects.toMatchObject({ exitCode: 2, message });
    expect(existsSync(log)).toBe(false);
  });

  it('refuses a folder without a study and a file with a foreign line', async () => {
    await expect(resumeStudy(join(dir, 'nowhere'), run())).rejects.toMatchObject({
      exitCode: 2,
      message: /holds no study/,
    });
    await start(SMALL);
    appendFileSync(join(dir, 'study', 'trials.ndjson'), '{"what": "is this"}\n');
    await expect(resumeStudy(join(dir, 'study'), run())).rejects.toMatchObject({ message: /line \d+ is not a trial/ });
  });
});

describe('exit codes', () => {
  it('are 4 for accounting errors, time out of proportion and noise', async () => {
    const { study } = await start(SMALL);
    const trials = recorded();
    expect(exitCodeOf({ ...study, noise: { baselineHalfWidth: 0.3, minimumDetectableEffect: 1 } }, trials)).toBe(4);
    const cells = study.cells.map((cell) => ({ ...cell, flags: [{ code: 'not-proportional', text: '' }] }));
    expect(exitCodeOf({ ...study, cells }, trials)).toBe(4);
    const wrong = trials.map((trial) =>
      trial.status === 'completed' && trial.accounting.delivers === 'records'
        ? { ...trial, accounting: { ...trial.accounting, verdict: 'error' as const } }
        : trial,
    );
    expect(exitCodeOf(study, wrong)).toBe(4);
    expect(exitCodeOf(study, trials)).toBe(0);
  });
});

describe('the lock', () => {
  const name = `\0tracebench-test-${process.pid}`;

  it('refuses a second study and names the first', async () => {
    const lock = await lockStudy('tracebench run', name);
    await expect(lockStudy('tracebench run', name)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(`process ${process.pid} (tracebench run)`),
      mend: expect.stringContaining(`kill ${process.pid}`),
    });
    await lock.release();
    await (await lockStudy('tracebench run', name)).release();
  });
});

describe('progress', () => {
  class Paper {
    text = '';
    readonly columns = 100;
    readonly rows = 24;
    write(text: string) {
      this.text += text;
    }
  }

  it('is a line a round in a log', async () => {
    behave({ 'null/1000/ring#1': 'fail' });
    const paper = new Paper();
    await start(SMALL, { progress: lineProgress(paper) });
    const lines = paper.text.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^warm-up 1 of 1: 4 of 4 trials, /);
    expect(lines[1]).toBe('failed: null/1000/ring#1: BUSY: somebody else has it');
    expect(lines[3]).toMatch(/^round 1 of 2: 3 of 4 trials, .*null\/1000\/stop 1\.50 ×$/);
    expect(lines[4]).toMatch(/^round 2 of 2: 4 of 4 trials, .*null\/1000\/ring 1\.50 ×, null\/1000\/stop 1\.50 ×$/);
    expect(lines).toHaveLength(5);
  });

  it('is a block on a terminal that is taken away at the end', async () => {
    const paper = new Paper();
    await start({ ...SMALL, rounds: 6 }, { progress: blockProgress(paper) });
    expect(paper.text).toMatch(/round 6 of 6 {2}\[█+\] {2}trial 4 of 4/);
    expect(paper.text).toMatch(/null\/1000\/ring {2} +1\.50 × {2}\[1\.50, 1\.50\].*●/);
    expect(paper.text.endsWith('\x1b[0J')).toBe(true);
  });
});

describe('folders of studies', () => {
  it('are named by time and profile and never reused', async () => {
    const when = new Date('2026-11-20T13:40:53.123Z');
    expect(newStudyDir(dir, when, 'quick')).toBe(join(dir, '2026-11-20T13-40-53-quick'));
    await start(SMALL, {}, '2026-11-20T13-40-53-quick');
    expect(newStudyDir(dir, when, 'quick')).toBe(join(dir, '2026-11-20T13-40-53-quick-2'));
  });
});
