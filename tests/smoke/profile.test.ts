/** Profiles of real targets, held against what they are known to do; through the command line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../harness/paths.ts';
import { type Profile, profileSchema } from '../../harness/profile/result.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { until } from '../fixtures/processes.ts';
import { type Ended, TRACEBENCH, tracebench } from './cli.ts';

const canCount = (await probeVariant('ebpf/count')).answer === 'yes';
const NULL = join(projectRoot, 'build', 'bin', 'tb-null');
/** getppid of tb-null beside --calls: its parent asked before, START, END. */
const OUTSIDE = 3;
const HIERARCHY = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((at) => existsSync(join(at, 'cgroup.procs')));

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-profile-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

/** Its document, which is in its file too, and whose parts have one sum. */
function profileIn(out: string): Profile {
  const profile = profileSchema.parse(JSON.parse(readFileSync(join(out, 'profile.json'), 'utf8')));
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  expect(sum(profile.windows.calls)).toBe(profile.calls);
  expect(sum(profile.mix.map(({ calls }) => calls)) + profile.foreignCalls).toBe(profile.calls);
  expect(profile.counters.filter(({ place, count }) => place !== 'health' && count > 0)).toEqual([]);
  return profile;
}

function callsOf({ mix }: Profile, call: string): number {
  return mix.find(({ name }) => name === call)?.calls ?? 0;
}

describe.runIf(canCount)('a command', () => {
  test('whose calls come in bursts: all of them, and nearly all in a few windows', async () => {
    const out = join(dir, 'bursts');
    const pace = ['--calls', '5000', '--warmup', '0', '--rate', '10000', '--burst', '1000'];
    const ended = await tracebench('profile', '--out', out, '--', NULL, ...pace);
    expect(ended.exitCode).toBe(0);
    const profile = profileIn(out);
    expect(profile).toMatchObject({
      kind: 'profile',
      ended: 'target',
      tasks: 1,
      target: { kind: 'command', exitCode: 0 },
    });
    expect(callsOf(profile, 'getppid')).toBe(5000 + OUTSIDE);
    expect(callsOf(profile, 'exit_group')).toBe(1);
    // However the bursts fall into windows, a few of these hold nearly all; evenly spaced calls would be in all of them.
    const fullest = [...profile.windows.calls].sort((x, y) => y - x).slice(0, 25);
    expect(profile.windows.calls.length).toBeGreaterThan(50);
    expect(fullest.reduce((sum, calls) => sum + calls, 0)).toBeGreaterThan(4900);
    expect(profile.burst?.peakPerS).toBeGreaterThan(2 * profile.meanPerS);
    expect(ended.stdout).toMatch(/^burst for the planner: /m);
    expect(ended.stdout).toMatch(/^getppid +5,003 +99\.\d %$/m);
  });

  test('is counted as trace -c counts it, and its exit code is passed on', async () => {
    const out = join(dir, 'tree');
    const argv = ['sh', '-c', '/bin/true; /bin/true & wait; exit 7'];
    const profiled = await tracebench('--json', 'profile', '--out', out, '--', ...argv);
    const traced = await tracebench('--json', 'trace', '--backend', 'ebpf/count', '-c', '--', ...argv);
    expect([profiled.exitCode, traced.exitCode]).toEqual([7, 7]);
    const profile = profileIn(out);
    expect(JSON.parse(profiled.stdout)).toEqual(JSON.parse(readFileSync(join(out, 'profile.json'), 'utf8')));
    expect(profile.tasks).toBe(3);
    const summary = JSON.parse(traced.stdout);
    const counted = (entries: readonly { name: string; calls: number }[]) =>
      Object.fromEntries(entries.map(({ name, calls }) => [name, calls]));
    expect(counted(profile.mix)).toEqual(counted(summary.entries));
  });
});

describe.runIf(canCount)('what runs already', () => {
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  /** A shell that waits for a line, or has a child that does: then the calls are made below it, and both end. */
  async function waiting(calls: number, who: 'itself' | 'its child'): Promise<{ child: ChildProcess; pid: number }> {
    const work = `read line; ${NULL} --calls ${calls} --warmup 0`;
    const text =
      who === 'itself' ? `echo here; ${work}; exit 0` : `exec 3<&0; echo here; (${work}; exit 0) <&3; exit 0`;
    const child = spawn('sh', ['-c', text], { stdio: ['pipe', 'pipe', 'inherit'] });
    running.push(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdout?.resume();
    return { child, pid: child.pid as number };
  }

  /** Begins to count, then lets the target go once it counts. */
  async function profileWaiting(child: ChildProcess, flags: readonly string[]): Promise<Ended> {
    const profiler = spawn(TRACEBENCH, ['profile', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(profiler);
    const said = { out: '', err: '' };
    profiler.stdout.on('data', (text) => {
      said.out += text;
    });
    profiler.stderr.on('data', (text) => {
      said.err += text;
    });
    const ended = new Promise<number | null>((resolve) => profiler.once('close', resolve));
    expect(await until(() => said.err.includes('counting'), 20_000)).toBe(true);
    child.stdin?.write('go\n');
    return { exitCode: (await ended) ?? undefined, stdout: said.out, stderr: said.err };
  }

  test('a process is counted with the children it has already, to its end', async () => {
    const { child, pid } = await waiting(4000, 'its child');
    const out = join(dir, 'pid');
    const ended = await profileWaiting(child, ['--pid', String(pid), '--for', '60s', '--out', out]);
    expect(ended.exitCode).toBe(0);
    const profile = profileIn(out);
    expect(profile).toMatchObject({ ended: 'target', target: { kind: 'process', pid, name: 'sh' } });
    expect(callsOf(profile, 'getppid')).toBe(4000 + OUTSIDE);
    // The shell, the one below it, and tb-null.
    expect(profile.tasks).toBe(3);
    expect(ended.stdout).toContain('The process ended before the time asked for.');
  });

  test('SIGINT ends it early, the target goes on, and the profile says so', async () => {
    const { child, pid } = await waiting(10, 'itself');
    const out = join(dir, 'stopped');
    const profiler = spawn(TRACEBENCH, ['profile', '--pid', String(pid), '--for', '60s', '--out', out], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.push(profiler);
    let said = '';
    profiler.stderr.on('data', (text) => {
      said += text;
    });
    const ended = new Promise((resolve) => profiler.once('close', resolve));
    expect(await until(() => said.includes('counting'), 20_000)).toBe(true);
    profiler.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(profileIn(out)).toMatchObject({ ended: 'stopped', endedText: 'interrupted (SIGINT)' });
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.stdin?.write('go\n');
    expect(await gone).toBe(0);
  });

  test.runIf(HIERARCHY !== undefined)('a control group is counted with whoever is in it', async () => {
    const group = join(HIERARCHY as string, `tracebench-test-${process.pid}`);
    mkdirSync(group);
    try {
      const inside = await waiting(3000, 'itself');
      const beside = await waiting(2000, 'itself');
      appendFileSync(join(group, 'cgroup.procs'), String(inside.pid));
      const out = join(dir, 'group');
      beside.child.stdin?.write('go\n');
      const ended = await profileWaiting(inside.child, ['--cgroup', group, '--for', '1s', '--out', out]);
      expect(ended.exitCode).toBe(0);
      const profile = profileIn(out);
      expect(profile).toMatchObject({ ended: 'time', target: { kind: 'cgroup', path: group } });
      expect(callsOf(profile, 'getppid')).toBe(3000 + OUTSIDE);
      expect(profile.tasks).toBe(2);
    } finally {
      expect(await until(() => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '', 20_000)).toBe(true);
      rmdirSync(group);
    }
  });

  test('the group that holds this process is refused', async () => {
    const root = await tracebench('profile', '--cgroup', '/');
    expect(root.exitCode).toBe(HIERARCHY === undefined ? 3 : 2);
    expect(root.stderr).toMatch(/holds this tracebench|no cgroup2 hierarchy is mounted/);
  });
});
