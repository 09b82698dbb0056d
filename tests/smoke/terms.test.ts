/** Equal terms for real: buffers sized in calls as the kernel grants them, CPUs that are kept awake, wake-ups asked for. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listOurProcesses } from '../../harness/doctor/processes.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { binDir } from '../../harness/paths.ts';
import { type CompletedTrial, type Study, studySchema, trialResultSchema } from '../../harness/result.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { until } from '../fixtures/processes.ts';
import { recordedTrials, tracebench } from './cli.ts';

const AWAKE = join(binDir, 'tracebench-awake');
const LAUNCH = join(binDir, 'tracebench-launch');
const CALLS_IN_FLIGHT = 1000;
const SCHED_IDLE = 5;
/** Of sched_setscheduler, by architecture. */
const SCHED_SETSCHEDULER = process.arch === 'arm64' ? 119 : 144;

const isRoot = process.getuid?.() === 0;
const canTrace = (await probeVariant('ebpf')).answer === 'yes';

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-terms-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

function studyIn(out: string): Study {
  return studySchema.parse(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
}

function completedIn(out: string): CompletedTrial[] {
  return recordedTrials(out).map((line) => {
    const trial = trialResultSchema.parse(line);
    if (trial.status === 'failed') throw new Error(`${trial.spec.trialId}: ${trial.error.message}`);
    return trial;
  });
}

const awakeLeft = () => listOurProcesses().filter(({ name }) => name === 'tracebench-awake');

/** A native program as a trial starts it: orders to descriptor 3, status lines from 4. */
function helper(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, ended, commands: child.stdio[3] as Writable, status: child.stdio[4] as Readable };
}

function nextText(stream: Readable): Promise<string> {
  return new Promise((resolve) => stream.once('data', (data: Buffer) => resolve(String(data))));
}

describe('tracebench-awake', () => {
  interface Task {
    readonly cpu: number;
    readonly policy: number;
    readonly cpuTicks: number;
  }

  function tasksOf(pid: number): Task[] {
    return readdirSync(`/proc/${pid}/task`).map((tid) => {
      const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { cpu: Number(fields[36]), policy: Number(fields[38]), cpuTicks: Number(fields[11]) + Number(fields[12]) };
    });
  }

  test('has a running spinner of the idle class on every CPU it may use, until its pipe ends', async () => {
    const { child: awake, commands, status, ended } = helper(AWAKE, []);
    const pid = awake.pid as number;
    try {
      const line = await nextText(status);
      expect(JSON.parse(line)).toEqual({ event: 'awake', cpus: readMachine().cpus });
      const spinners = () => tasksOf(pid).filter(({ policy }) => policy === SCHED_IDLE);
      expect(spinners().map(({ cpu }) => cpu)).toEqual(readMachine().cpus);
      expect(await until(() => spinners().every(({ cpuTicks }) => cpuTicks > 0), 20_000)).toBe(true);
      // It outlives what ends a study by hand; only the trial's end ends it.
      process.kill(pid, 'SIGINT');
      process.kill(pid, 'SIGTERM');
      const spent = Math.min(...spinners().map(({ cpuTicks }) => cpuTicks));
      expect(await until(() => spinners().every(({ cpuTicks }) => cpuTicks > spent), 20_000)).toBe(true);
    } finally {
      commands.end();
    }
    expect(await ended).toBe(0);
    expect(awakeLeft()).toEqual([]);
  });

  test('says why where it cannot make its control group idle', async () => {
    const { commands, status, ended } = helper(AWAKE, ['--group', join(dir, 'no-group')]);
    expect(JSON.parse(await nextText(status))).toEqual({
      event: 'cannot',
      errno: 2,
      message: 'making the control group idle: No such file or directory',
    });
    commands.end();
    expect(await ended).toBe(3);
  });

  test('ends when whoever started it is killed', async () => {
    // sh holds the pipe's writing end and is killed; nobody tells the program anything.
    const script = `exec 5> >("$0" 3<&0 4>&1 >"$1"); sleep 100`;
    const parent = execa('bash', ['-c', script, AWAKE, join(dir, 'said')], { reject: false });
    expect(await until(() => awakeLeft().length === 1, 10_000)).toBe(true);
    const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ');
    parent.kill('SIGKILL');
    // `sleep` has inherited the writing end, as a child of the dead shell.
    for (const child of children.map(Number))
      if (!awakeLeft().some(({ pid }) => pid === child)) process.kill(child, 'SIGKILL');
    await parent;
    expect(await until(() => awakeLeft().length === 0, 10_000)).toBe(true);
  });

  test.runIf(isRoot)('says why where the idle class cannot be had, and leaves nothing', async () => {
    // Without a tracer the launcher's filter answers ENOSYS, as a sandbox does that knows no such call.
    const refusing = helper(LAUNCH, ['--seccomp-trace', `${SCHED_SETSCHEDULER}`, '--', AWAKE, '--check']);
    expect(JSON.parse(await nextText(refusing.status))).toMatchObject({ event: 'ready' });
    refusing.commands.write('g');
    const said = await nextText(refusing.child.stdout as Readable);
    refusing.commands.end();
    await refusing.ended;
    expect(JSON.parse(said)).toEqual({
      event: 'cannot',
      errno: 38,
      message: 'sched_setscheduler(SCHED_IDLE): Function not implemented',
    });
  });
});

describe('--idle', () => {
  /**
   * Ends with 0 when its trial has a child of that name, else with 1. Only this trial's children count: spinners of the
   * tests above may still be zombies of a process 1 that reaps late. Names of tasks have 15 characters; $PPID is the
   * launcher, whose parent is the trial.
   */
  const BESIDE = [
    'sh',
    '-c',
    [
      'trial=$(sed -n "s/^PPid:[[:space:]]*//p" /proc/$PPID/status)',
      'for child in $(cat /proc/$trial/task/*/children); do grep -qsx tracebench-awak /proc/$child/comm && exit 0; done',
      'exit 1',
    ].join('\n'),
  ];

  test.each([
    ['busy', 0],
    ['native', 1],
  ] as const)('%s: whether every trial, the baseline as well, ran beside the spinners', async (idle, exitCode) => {
    const out = join(dir, `idle-${idle}`);
    const args = ['run', '--backends', 'none,ptrace', '-r', '1', '--idle', idle, '--out', out, '--', ...BESIDE];
    const ended = await tracebench(...args);
    expect(ended.stderr).toContain('files: ');
    const trials = completedIn(out);
    expect(new Set(trials.map(({ spec }) => spec.variant))).toEqual(new Set(['none', 'ptrace']));
    for (const { spec, run } of trials) {
      expect(spec.idle).toBe(idle);
      expect(run).toMatchObject({ exitCode, signal: null });
    }
    expect(studyIn(out).plan.idle).toBe(idle);
    for (const { terms } of studyIn(out).cells) expect(terms.idle).toBe(idle);
    expect(ended.stdout).toMatch(new RegExp(`idle\\s+${idle}`));
    expect(awakeLeft()).toEqual([]);
  });
});

describe.runIf(canTrace)('--in-flight and --wakeup', () => {
  const VARIANTS = ['ebpf', 'ebpf/ringbuf', 'ebpf/perfbuf', 'ebpf/enter'];

  test('a study in two budgets, its CPUs awake: the kernel grants what was asked, the books balance', async () => {
    const out = join(dir, 'two');
    const flags = ['--in-flight', `${CALLS_IN_FLIGHT}`, '--idle', 'busy'];
    const args = ['--backends', `none,${VARIANTS.join()},ebpf/count,ptrace`, '--workloads', 'null', '-r', '1'];
    const ended = await tracebench('run', ...args, '--calls', '30011', ...flags, '--out', out);
    expect(ended.stderr).toContain('files: ');
    const study = studyIn(out);
    const inCalls = study.cells.filter(({ terms }) => terms.askedCallsInFlight !== null);
    expect(inCalls.map(({ cellId }) => cellId)).toEqual(
      VARIANTS.map((variant) => `null/30011/${variant}@${CALLS_IN_FLIGHT}calls`).sort(
        (a, b) => study.cells.findIndex((c) => c.cellId === a) - study.cells.findIndex((c) => c.cellId === b),
      ),
    );
    for (const { variant, terms, flags: notes } of inCalls) {
      const inFlight = terms.geometry?.callsInFlight ?? 0;
      expect(inFlight, variant).toBeGreaterThanOrEqual(CALLS_IN_FLIGHT);
      expect(terms.geometry?.bufferBytes).toBe(terms.askedBufferBytes);
      const unequal = notes.some(({ code }) => code === 'not-equal');
      expect(unequal, variant).toBe(inFlight >= 2 * CALLS_IN_FLIGHT);
    }
    for (const trial of completedIn(out)) {
      if (trial.accounting.delivers !== 'records') continue;
      expect(trial.accounting.verdict, trial.spec.trialId).toBe('reconciled');
    }
    const byId = new Map(study.cells.map((c) => [c.cellId, c.terms.askedCallsInFlight]));
    for (const { left, right } of study.comparisons) expect(byId.get(left)).toBe(byId.get(right));
    expect(ended.stdout).toContain(`@${CALLS_IN_FLIGHT.toLocaleString('en-US')} calls`);
    const said = await tracebench('explain', `null/30011/ebpf@${CALLS_IN_FLIGHT}calls`, '--study', out);
    expect(said.stdout).toMatch(/tracebench run --backends ebpf .*--calls 30011 --in-flight 1000 --idle busy$/);
  });

  test('a wake-up that a variant cannot have is a row with the reason; what stops the workload keeps its own', async () => {
    const out = join(dir, 'woken');
    const plan = join(dir, 'plan.yaml');
    writeFileSync(plan, 'backends: [none, ebpf, ebpf/ringbuf, ptrace]\nworkloads: ["null"]\nrounds: 1\ncalls: 20011\n');
    const ended = await tracebench('run', '--plan', plan, '--wakeup', 'adaptive', '--out', out);
    expect(ended.stderr).toMatch(/^ebpf cannot run here: .*does not know this wake-up policy\n {2}mend: .*timer/m);
    expect(ended.stderr).toContain('note: ptrace keeps its own wake-up: every call is a wake-up (sync)');
    const study = studyIn(out);
    expect(study.backends).toContainEqual(expect.objectContaining({ variant: 'ebpf', answer: 'no' }));
    const wakeups = Object.fromEntries(study.cells.map((c) => [c.variant, c.terms.wakeup.kind]));
    expect(wakeups).toEqual({ none: 'timer', 'ebpf/ringbuf': 'adaptive', ptrace: 'sync' });
    expect(study.verdict[1]).toContain('ebpf cannot run here with wake-up adaptive');
    for (const trial of completedIn(out)) {
      if (trial.accounting.delivers === 'records') expect(trial.accounting.verdict).toBe('reconciled');
    }
    const none = ['run', '--backends', 'ebpf', '--workloads', 'null', '-r', '1', '--wakeup', 'adaptive'];
    const refused = await tracebench(...none, '--out', join(dir, 'none'));
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toMatch(/none of the backends asked for can run here .*does not know this wake-up policy/);
  });
});
