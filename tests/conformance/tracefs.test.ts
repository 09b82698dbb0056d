/** Tracing instances that are there already: a dead trial's, a living one's, somebody else's, and one in the trial's own place. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { machineState, repair } from '../../harness/doctor/index.ts';
import { type TrialResult, trialResultSchema } from '../../harness/result.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { statOf, stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const available = (await subjects()).filter((s) => s.unavailable === null).map((s) => s.id);
const usable = available.filter((id) => id.startsWith('ftrace'));
const before = await restingState();

const nameOf = (pid: number): string => `tracebench-${pid}-${statOf(pid)?.startTicks}`;

/** Of a process that has ended: its pid may be somebody else's by now, its start time is not. */
function nameOfDead(): string {
  const { pid } = spawnSync('/bin/true');
  return `tracebench-${pid}-1`;
}

describe.runIf(usable.length > 0)('a tracing instance that is there already', () => {
  let mount: string;
  let instances: string;
  const made: string[] = [];

  beforeAll(() => {
    mount = mkdtempSync(join(tmpdir(), 'tb-tracefs-'));
    const mounted = spawnSync('mount', ['-t', 'tracefs', 'tracefs', mount], { encoding: 'utf8' });
    if (mounted.status !== 0) throw new Error(mounted.stderr);
    instances = join(mount, 'instances');
  });

  afterAll(async () => {
    spawnSync('umount', [mount]);
    rmdirSync(mount);
    await expectRestored(before);
  });

  function make(name: string): string {
    mkdirSync(join(instances, name));
    made.push(name);
    return name;
  }

  afterEach(() => {
    for (const name of made.splice(0)) if (existsSync(join(instances, name))) rmdirSync(join(instances, name));
  });

  test.each(usable)('%s leaves a dead process’s, a living one’s and the administrator’s as they were', async (id) => {
    for (const name of [nameOfDead(), nameOf(process.pid), 'administrators-own']) make(name);
    const there = await restingState();
    expect(await runTrial(specFor(id, stamped('null', 503)))).toMatchObject({ status: 'completed' });
    await expectRestored(there);
  });

  test('a repair removes the dead process’s alone', async () => {
    const dead = make(nameOfDead());
    const living = make(nameOf(process.pid));
    const foreign = make('administrators-own');
    const similar = make('tracebench-of-mine');
    const done = await repair();
    expect(done).toContain(`removed stale tracefs-instances: ${dead}`);
    expect(done).toContain(`left alone: tracefs-instances ${living}, its guard is alive`);
    expect(readdirSync(instances)).not.toContain(dead);
    expect(readdirSync(instances)).toEqual(expect.arrayContaining([living, foreign, similar]));
  });

  /** The top-level print event of whoever had it, put back after `test`. */
  async function withPrintEvent(test: (file: string) => Promise<void>): Promise<void> {
    const file = join(mount, 'events/bpf_trace/bpf_trace_printk/enable');
    const found = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, '1');
      await test(file);
    } finally {
      writeFileSync(file, found);
    }
  }

  /* Loading a program that prints turns the top-level event on (native/launcher/README.md, tracefs-instances). */
  test('a repair turns the print event off that a dead process’s load turned on', () =>
    withPrintEvent(async (event) => {
      const dead = make(`${nameOfDead()}-printk-off`);
      expect(await machineState()).toMatchObject({ guard: { tracefs: { bpfTracePrintk: 'on' } } });
      expect(await repair()).toContain(`removed stale tracefs-instances: ${dead}`);
      expect(readFileSync(event, 'utf8')).toBe('0\n');
    }));

  test.runIf(available.includes('ebpf/printk'))('the print event of an administrator stays on', () =>
    withPrintEvent(async (event) => {
      const made = make(`${nameOfDead()}-printk`);
      expect(await repair()).toContain(`removed stale tracefs-instances: ${made}`);
      expect(await runTrial(specFor('ebpf/printk', stamped('null', 503)))).toMatchObject({ status: 'completed' });
      expect(readFileSync(event, 'utf8')).toBe('1\n');
    }),
  );

  test('in the trial’s own place, the trial fails and says so', async () => {
    const there = await restingState();
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    const name = make(nameOf(trial.pid as number));
    const ended = new Promise((resolve) => trial.once('exit', resolve));
    let said = '';
    trial.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    trial.stdin.write(`${JSON.stringify(specFor('ftrace', stamped('null', 503)))}\n`);
    await ended;
    const result: TrialResult = trialResultSchema.parse(JSON.parse(said));
    expect(result).toMatchObject({ status: 'failed', error: { message: expect.stringContaining(name) } });
    // By its name it was the trial's, and went with it.
    await expectRestored(there);
  });

  test('a killed trial’s goes, the others stay', async () => {
    make(nameOf(process.pid));
    make('administrators-own');
    const there = await restingState();
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
    const own = nameOf(trial.pid as number);
    trial.stdin.write(`${JSON.stringify(specFor('ftrace', stamped('exec', 1_000_003)))}\n`);
    expect(await until(() => readdirSync(instances).includes(own), 5000)).toBe(true);
    const tree = treeOf(trial.pid as number);
    trial.kill('SIGKILL');
    expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
    await expectRestored(there);
  });
});
