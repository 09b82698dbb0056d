/**
 * Targets that do not end as they should, collectors that are stopped or killed at the wrong moment: what was seen is
 * still right, and the machine is as it was before.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import { BackendError } from '../../harness/errors.ts';
import type { EventBatch } from '../../harness/event.ts';
import type { TrialSpec } from '../../harness/result.ts';
import { TraceSession } from '../../harness/session/session.ts';
import { Target } from '../../harness/session/target.ts';
import { holdFor, runTraced } from '../../harness/session/traced.ts';
import { syscallNumber } from '../../harness/syscalls/index.ts';
import { lostCalls } from '../../harness/trace/loss.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { processesWith, statOf, statusLine, stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { CALLS_PROGRAM, fewCalls, markOf, outlasting, type Subject, syscallSubjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const NOBODY = 65534;

const all = await syscallSubjects();
const usable = all.filter((s) => s.unavailable === null);
const recording = usable.filter((s) => s.capabilities.delivers === 'records');

for (const s of all.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

/** Of the machine, before anything here ran; every test leaves it so. */
const before = await restingState();
afterAll(() => expectRestored(before));

interface Running {
  readonly session: TraceSession;
  readonly target: Target;
  /** Held for the backend until both are closed. */
  readonly held: { release(): Promise<void> };
  /** Numbers of the marked calls, in the order they came. */
  readonly marks: readonly number[];
  /** All records are in `marks`. */
  readonly consumed: Promise<void>;
}

/** A target under a session, its gate open. The caller ends both. */
async function running(id: string, argv: readonly string[], user: string | null = null): Promise<Running> {
  const { backend, variant } = findVariant(id);
  const trace = { bufferBytes: 32 << 20, filter: [syscallNumber('getppid')], wakeup: variant.wakeup };
  const needs = backend.launchNeeds?.(variant, trace) ?? {};
  const held = await holdFor(needs);
  const target = await Target.launch({
    argv,
    cpus: null,
    user,
    seccompTrace: needs.seccompTrace ?? null,
    cgroup: needs.cgroup ?? false,
    keepSysAdmin: needs.keepSysAdmin ?? false,
    auditSession: needs.audit !== undefined,
    controlFd: -1,
    canaryCalls: 0,
    stdio: 'null',
  });
  try {
    const session = await TraceSession.open({
      backend,
      variant,
      trace,
      control: null,
      collectorCpus: null,
      wantsBatches: true,
      expectedPerLane: 0,
      stallMs: 0,
      stallAfterCalls: 0,
    });
    await session.start(target.pid);
    const marks: number[] = [];
    const take = (batch: EventBatch): void => {
      for (let i = 0; i < batch.count; i++) {
        const mark = markOf(batch.at(i));
        if (mark !== null) marks.push(mark.number);
      }
    };
    const consumed = (async () => {
      for await (const batch of session.batches()) take(batch);
    })();
    target.start();
    return { session, target, held, marks, consumed };
  } catch (error) {
    await target.close();
    await held.release();
    throw error;
  }
}

/** In order, each once, from 0; what is missing in between was admitted. */
function expectContiguous(run: Running, id: string): void {
  const { report } = run.session;
  const { capabilities, loss } = findVariant(id).variant;
  const lost = lostCalls(report.run.counters, loss, report.bridgeLostRecords);
  const marks = capabilities.ordering === 'none' ? run.marks.toSorted((a, b) => a - b) : run.marks;
  expect(marks.length).toBeGreaterThan(0);
  expect(marks.every((mark, i) => i === 0 || mark > (marks[i - 1] as number))).toBe(true);
  const missing = (marks.at(-1) as number) + 1 - marks.length;
  if (missing > 0) expect(missing).toBeLessThanOrEqual(lost.max ?? Number.POSITIVE_INFINITY);
}

/** Not a backend's affair, so one is enough: a reader that throws must not leave the target running or go unheard. */
test('a reader that throws ends the run with its error, and nothing is left', async () => {
  const before = await restingState();
  const controller = new AbortController();
  const run = runTraced({
    collectors: [
      {
        variant: 'ptrace',
        bufferBytes: 1 << 20,
        wakeup: null,
        collectorCpus: null,
        stallMs: 0,
        stallAfterCalls: 0,
        onBatch: () => {
          throw new Error('the reader broke');
        },
      },
    ],
    argv: [CALLS_PROGRAM, 'busy'],
    filter: null,
    workloadCpus: null,
    user: null,
    stdio: 'null',
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    signal: controller.signal,
  });
  await expect(run).rejects.toThrow('the reader broke');
  await expectRestored(before);
});

/** Not a backend's affair either. A canary of a minute stands for whatever a launcher may hang in. */
test.each(['waits', 'hears nothing'])(
  'a launcher that %s and does not get its target ready is ended at its deadline, with the target',
  async (how) => {
    const name = `31${process.pid}${Math.floor(Math.random() * 1e6)}`;
    const launch = Target.launch(
      {
        argv: ['/bin/sleep', name],
        cpus: null,
        user: null,
        seccompTrace: null,
        cgroup: false,
        keepSysAdmin: false,
        auditSession: false,
        controlFd: -1,
        canaryCalls: 100_000_000,
        stdio: 'null',
      },
      300,
    );
    const failed = launch.catch((reason: unknown) => reason);
    await sleep(100);
    const hanging = treeOf(process.pid).filter((p) => statusLine(p.pid, 'Name')?.startsWith('tracebench-laun'));
    expect(hanging).toHaveLength(2);
    if (how === 'hears nothing') process.kill(hanging[0]?.pid as number, 'SIGSTOP');
    const error = await failed;
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({
      code: 'INTERNAL',
      operation: 'launch',
      message: expect.stringMatching(/\/bin\/sleep .* within 300 ms/),
      mend: expect.stringMatching(/run it again/),
    });
    // The kernel ends the target with a launcher that was killed, a moment later.
    await until(() => stillRunning(hanging).length === 0, 2000);
    expect(stillRunning(hanging)).toEqual([]);
    await expectRestored(before);
  },
);

describe.each(recording)('$id', (subject) => {
  const { id, capabilities: can } = subject;
  test('stopped while the target is busy', async () => {
    const run = await running(id, [CALLS_PROGRAM, 'busy']);
    try {
      await sleep(100);
      if (can.detaches) {
        await run.session.stop();
        await run.consumed;
        expectContiguous(run, id);
        await run.session.close();
        // It goes on, untraced and not stopped.
        const then = statOf(run.target.pid);
        expect(statusLine(run.target.pid, 'TracerPid')).toBe('0');
        expect(await until(() => (statOf(run.target.pid)?.cpuTicks ?? 0) > (then?.cpuTicks ?? 0), 5000)).toBe(true);
        expect(statOf(run.target.pid)?.state).not.toMatch(/[tTZ]/);
        run.target.kill();
      } else {
        const error = await run.session.stop().catch((reason: unknown) => reason);
        await run.consumed;
        expectContiguous(run, id);
        expect(error).toBeInstanceOf(BackendError);
        expect(error).toMatchObject({ code: 'BUSY', operation: 'disarm', mend: expect.stringMatching(/./) });
      }
      expect(await run.target.end()).toMatchObject({ exitCode: null, signal: 9 });
    } finally {
      await run.target.close();
      await run.session.close();
      await run.held.release();
    }
  });

  test('a target stopped from outside and continued: nothing is missing', async () => {
    const calls = outlasting(60, subject);
    const run = await running(id, [CALLS_PROGRAM, 'marked', String(calls)]);
    try {
      expect(await until(() => run.marks.length > 0, 2000)).toBe(true);
      process.kill(run.target.pid, 'SIGSTOP');
      expect(await until(() => /[tT]/.test(statOf(run.target.pid)?.state ?? ''), 2000)).toBe(true);
      const stopped = statOf(run.target.pid)?.cpuTicks;
      await sleep(100);
      expect(statOf(run.target.pid)).toMatchObject({ state: expect.stringMatching(/[tT]/), cpuTicks: stopped });
      process.kill(run.target.pid, 'SIGCONT');
      expect(await run.target.end()).toMatchObject({ exitCode: 0, signal: null });
      await run.session.stop();
      await run.consumed;
      expectContiguous(run, id);
      const lost = lostCalls(run.session.report.run.counters, findVariant(id).variant.loss, 0);
      if (lost.max === 0 && run.session.report.bridgeLostRecords === 0) expect(run.marks).toHaveLength(calls);
    } finally {
      await run.target.close();
      await run.session.close();
      await run.held.release();
    }
  });
});

describe.runIf(process.getuid?.() === 0)('a set-uid program, as nobody', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'tb-setuid-'));
    chmodSync(dir, 0o755);
    copyFileSync(CALLS_PROGRAM, join(dir, 'calls'));
    chownSync(join(dir, 'calls'), 0, 0);
    chmodSync(join(dir, 'calls'), 0o4755);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each(recording)('$id', async ({ id, capabilities: can }) => {
    const run = await running(id, [join(dir, 'calls'), 'busy'], 'nobody');
    try {
      // The set-uid bit took effect: real, effective, saved and file system uid.
      const uids = `${NOBODY}\t0\t0\t0`;
      expect(await until(() => statusLine(run.target.pid, 'Uid') === uids, 2000)).toBe(true);
      await sleep(50);
      run.target.kill();
      await run.target.end();
      await run.session.stop();
      await run.consumed;
      if (can.followsSetuid) expectContiguous(run, id);
      else expect(run.marks).toEqual([]);
    } finally {
      await run.target.close();
      await run.session.close();
      await run.held.release();
    }
  });
});

describe.each(usable)('$id', ({ id }) => {
  test('a target that ignores SIGTERM is killed at its deadline, with all it started', async () => {
    const name = `31${process.pid}${Math.floor(Math.random() * 1e6)}`;
    const script = `trap '' TERM; sleep ${name} & while :; do sleep ${name}; done`;
    const argv = ['/bin/sh', '-c', script];
    const workload: TrialSpec['workload'] = { kind: 'application', name: 'stubborn', argv };
    const spec = specFor(id, workload, { deadlineMs: 500, filter: fewCalls(id, ['execve', 'wait4']) });
    const result = await runTrial(spec);
    expect(result).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('outlived its deadline of 500 ms') },
    });
    expect(processesWith(name)).toEqual([]);
    await expectRestored(before);
  });
});

describe.each(usable)('$id', ({ id }) => {
  test('a target that kills its parent ends with it, and the trial says so', async () => {
    const name = `parricide${process.pid}${Math.floor(Math.random() * 1e6)}`;
    const argv = ['/bin/sh', '-c', 'kill -9 $PPID; while :; do :; done', name];
    const workload: TrialSpec['workload'] = { kind: 'application', name: 'parricide', argv };
    const spec = specFor(id, workload, { filter: fewCalls(id, ['execve', 'kill']) });
    const result = await runTrial(spec);
    expect(result).toMatchObject({
      status: 'failed',
      error: { code: 'LOST_TARGET', message: expect.stringContaining('launcher ended') },
    });
    expect(processesWith(name)).toEqual([]);
    await expectRestored(before);
  });
});

/** Every mechanism once, and every variant for which the guard must hold something. */
function isKilled({ id }: Subject): boolean {
  const { backend, variant } = findVariant(id);
  const trace = { bufferBytes: 1 << 20, filter: null, wakeup: variant.wakeup };
  return variant.name === '' || backend.launchNeeds?.(variant, trace).cgroup === true;
}

function needsAuditContext(id: string): boolean {
  const { backend, variant } = findVariant(id);
  const trace = { bufferBytes: 1 << 20, filter: null, wakeup: variant.wakeup };
  return backend.launchNeeds?.(variant, trace).auditContext === true;
}

/* Eight moments a variant, anywhere from Node's start to the middle of the run. */
describe.each(recording.filter(isKilled))('$id, the trial process is killed', ({ id }) => {
  const moments = Array.from({ length: 8 }, () => 20 + Math.floor(Math.random() * 380));

  test.each(moments)('%i ms after its start', async (delayMs) => {
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => trial.once('exit', (_code, signal) => resolve(signal)));
    const spec = specFor(id, stamped('exec', 1_000_003), {
      auditContext: needsAuditContext(id) ? 'present' : 'absent',
    });
    trial.stdin.write(`${JSON.stringify(spec)}\n`);
    await sleep(delayMs);
    const tree = treeOf(trial.pid as number);
    expect(tree).not.toHaveLength(0);
    trial.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    await until(() => stillRunning(tree).length === 0, 2000);
    expect(stillRunning(tree)).toEqual([]);
    await expectRestored(before);
  });
});
