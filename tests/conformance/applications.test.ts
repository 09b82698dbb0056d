/** Applications of the catalogue in real trials: those that need nothing that is not here already. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import type { TrialSpec } from '../../harness/result.ts';
import { holdScratch } from '../../harness/session/guard.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { findApplication } from '../../workloads/applications/index.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { argumentsOf, type ProcessId, statOf, statusLine, stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { syscallSubjects } from './collect.ts';
import { runTrial, specFor } from './trial-process.ts';

const usable = (await syscallSubjects()).filter((s) => s.unavailable === null).map(({ id }) => id);
const before = await restingState();
afterAll(() => expectRestored(before));

function catalogued(name: string): TrialSpec['workload'] {
  const application = findApplication(name);
  if (application === undefined) throw new TypeError(`no application ${name}`);
  return { kind: 'application', name, argv: [...application.argv], catalogued: { fixedWork: application.fixedWork } };
}

test.each(['find', 'tar', 'shell-exec', 'mill', 'node', 'http', 'super-producer'])('%s runs', async (name) => {
  const result = await runTrial(specFor('none', catalogued(name)));
  const figure = findApplication(name)?.figure;
  expect(result).toMatchObject({
    status: 'completed',
    run: { exitCode: 0, signal: null },
    figureOfMerit: { unit: figure?.unit, better: 'higher', value: expect.any(Number) },
  });
});

/** What the seed of the mill makes: 500 files and 7,486 more; each is removed in the end. */
const MADE = 7986;

/* The reference and one that has nothing in common with it; the others are held against the reference. */
test.each(usable.filter((id) => ['ebpf', 'ptrace'].includes(id)))(
  '%s sees every file that the mill makes and removes',
  async (id) => {
    const { variant } = findVariant(id);
    const filter = variant.capabilities.delivers === 'records' ? ['unlink', 'unlinkat'] : null;
    const result = await runTrial(specFor(id, catalogued('mill'), { filter }));
    if (result.status === 'failed') throw new Error(result.error.message);
    const removed = result.calls.filter(({ name }) => /^unlink(at)?$/.test(name)).reduce((n, c) => n + c.count, 0);
    expect(removed).toBe(MADE);
  },
);

test('a server runs on the CPUs that were asked for, its load elsewhere', async () => {
  const running = start('http', { workloadCpus: [0], placement: 'other' });
  const { server, load } = await underLoad(running.pid);
  expect(cpusOf(server.pid)).toBe('0');
  expect(cpusOf(load.pid)).not.toMatch(/\b0\b/);
  running.kill();
  await running.ended;
  await expectRestored(before);
});

describe('whatever ends first', () => {
  test('the trial: server, load and directory go with it', async () => {
    const running = start('http');
    const { tree } = await underLoad(running.pid);
    running.kill();
    await running.ended;
    await until(() => stillRunning(tree).length === 0, 2000);
    expect(stillRunning(tree)).toEqual([]);
    await expectRestored(before);
  });

  test.each([
    ['server', /http ended (under|before) the load/],
    ['load', /failed to load http: signal 9/],
  ] as const)('the %s: the trial fails and says so', async (who, message) => {
    const running = start('http');
    const found = await underLoad(running.pid);
    process.kill(found[who].pid, 'SIGKILL');
    expect(await running.result()).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(message) },
    });
    expect(stillRunning(found.tree)).toEqual([]);
    await expectRestored(before);
  });

  test('the time: a load that takes longer than the deadline is ended with its server', async () => {
    const result = await runTrial(specFor('none', catalogued('http'), { deadlineMs: 400 }));
    expect(result).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('outlived its deadline of 400 ms') },
    });
    await expectRestored(before);
  });
});

test('a program that is missing is named, with what has it', async () => {
  const result = await runTrial(specFor('none', catalogued('redis')), { PATH: '/nowhere' });
  expect(result).toMatchObject({
    status: 'failed',
    error: {
      code: 'EXIT_3',
      message: expect.stringContaining('redis-server and redis-benchmark are not there'),
      mend: './tracebench setup --contestants',
    },
  });
});

test('a private directory goes with all that is in it, and with nothing that it points to', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'tb-outside-'));
  writeFileSync(join(outside, 'kept'), '');
  const held = await holdScratch();
  const directory = held.where as string;
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  mkdirSync(join(directory, 'deep', 'er'), { recursive: true });
  writeFileSync(join(directory, 'deep', 'er', 'file'), '');
  symlinkSync(outside, join(directory, 'deep', 'link'));
  await held.release();
  expect(existsSync(directory)).toBe(false);
  expect(readdirSync(outside)).toEqual(['kept']);
  rmSync(outside, { recursive: true });
});

/** A trial of it in a process of its own, which lives as long as its standard input. */
function start(name: string, changes: Partial<TrialSpec> = {}) {
  const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
  let printed = '';
  trial.stdout.on('data', (data) => {
    printed += String(data);
  });
  const ended = new Promise((resolve) => trial.once('close', resolve));
  trial.stdin.write(`${JSON.stringify(specFor('none', catalogued(name), changes))}\n`);
  return {
    pid: trial.pid as number,
    kill: () => trial.kill('SIGKILL'),
    ended,
    async result(): Promise<unknown> {
      await ended;
      return JSON.parse(printed);
    },
  };
}

/** By its own name and not its launcher's, whose words end in the same. */
function runs(pid: number, script: string): boolean {
  const [program, first] = argumentsOf(pid);
  return program === process.execPath && first?.endsWith(script) === true;
}

function cpusOf(pid: number): string | null {
  return statusLine(pid, 'Cpus_allowed_list');
}

/** Server and generator of a trial once both run: each stands under a launcher of its own. */
async function underLoad(trial: number): Promise<{ tree: ProcessId[]; server: ProcessId; load: ProcessId }> {
  const find = (script: string): ProcessId | undefined => treeOf(trial).find(({ pid }) => runs(pid, script));
  let found: { server?: ProcessId | undefined; load?: ProcessId | undefined } = {};
  await until(() => {
    found = { server: find('http-server.mjs'), load: find('http-load.mjs') };
    return found.server !== undefined && found.load !== undefined;
  }, 10_000);
  const { server, load } = found;
  if (server === undefined || load === undefined) throw new Error('the server never came under load');
  expect(statOf(server.pid)?.ppid).not.toBe(statOf(load.pid)?.ppid);
  return { tree: treeOf(trial), server, load };
}
