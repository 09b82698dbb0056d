/** Applications in a study through the command line, with what is missing and with a hard end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from '../../harness/applications/programs.ts';
import { type Study, studySchema, trialResultSchema } from '../../harness/result.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { command, recordedTrials, TRACEBENCH, tracebench, untilTrials } from './cli.ts';

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-applications-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

function studyIn(out: string): Study {
  return studySchema.parse(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
}

/** A PATH with nothing on it but what the launcher and the mill need. */
function barePath(): string {
  const path = join(dir, 'bin');
  mkdirSync(path);
  for (const name of ['node', 'sh', 'env', 'dirname', 'readlink', 'id']) {
    const program = name === 'node' ? process.execPath : findProgram(name);
    if (program !== null) symlinkSync(program, join(path, name));
  }
  return path;
}

test('what is missing is a row with its reason and its mend, and fatal only when required', async () => {
  const out = join(dir, 'missing');
  const environment = { env: { PATH: barePath() } };
  const words = ['run', '--backends', 'none', '--workloads', 'mill,redis', '-r', '1'];
  const ended = await command(TRACEBENCH, [...words, '--out', out], environment);
  expect(ended.exitCode).toBe(0);
  const reason = 'redis-server and redis-benchmark are not there (Debian: redis-server, redis-tools)';
  const mend = './tracebench setup --contestants';
  expect(ended.stderr).toContain(`redis cannot run here: ${reason}\n  mend: ${mend}`);
  expect(studyIn(out).absentWorkloads).toEqual([{ workload: 'redis', reason, mend }]);
  expect(ended.stdout).toContain(`redis: ${reason}`);
  expect(ended.stdout).toMatch(/mill +none +[\d,]+ \[n = 1\] +transactions\/s/);

  const required = await command(TRACEBENCH, [...words, '--require', 'redis'], environment);
  expect(required.exitCode).toBe(3);
  expect(required.stderr).toContain(`redis is required and cannot run here: ${reason}`);
});

test('a traced application has its own figure against the untraced one, and its calls counted beside it', async () => {
  const out = join(dir, 'traced');
  const plan = join(dir, 'plan.json');
  writeFileSync(plan, JSON.stringify({ workloads: ['mill'], rounds: 1, warmupRounds: 0 }));
  const byReference = (await probeVariant('ebpf')).answer === 'yes';
  const backend = byReference ? 'ebpf' : 'ptrace';
  expect((await tracebench('run', '--plan', plan, '--backends', backend, '--out', out)).exitCode).toBe(0);
  const study = studyIn(out);
  const traced = study.cells.find((cell) => cell.variant === backend);
  expect(traced?.figureOfMerit).toMatchObject({ unit: 'transactions/s', better: 'higher' });
  expect(traced?.figureOfMerit?.ratio?.estimate).toBeGreaterThan(0);
  expect(traced?.slowdown?.estimate).toBeCloseTo(1 / (traced?.figureOfMerit?.ratio?.estimate ?? 0), 6);
  if (!byReference) return;
  expect(study.joint.map((joint) => (joint.status === 'completed' ? joint.verdict : joint.error.message))).toEqual(
    new Array(3).fill('equal'),
  );
  // The same calls in the timed trial and in three joint ones.
  expect(traced?.reportedLossCalls).toEqual({ min: 0, max: 0 });
  const trial = recordedTrials(out)
    .map((line) => trialResultSchema.parse(line))
    .find(({ spec }) => spec.variant === 'ebpf');
  if (trial?.status !== 'completed') throw new Error('the traced trial failed');
  const calls = trial.calls.reduce((sum, { count }) => sum + count, 0);
  expect(traced?.issuedInJointTrials).toEqual({ calls, spread: 0, trials: 3 });
});

test.each([
  ['SIGKILL', undefined],
  ['SIGINT', 130],
] as const)('%s in the middle of a study of a server leaves nothing', async (signal, exitCode) => {
  const out = join(dir, signal);
  const words = ['run', '--backends', 'none', '--workloads', 'http', '-r', '50', '--out', out];
  const runner = execa(TRACEBENCH, words, { reject: false, stdin: 'ignore' });
  await untilTrials(out, 1);
  const tree = treeOf(runner.pid as number);
  runner.kill(signal);
  expect((await runner).exitCode).toBe(exitCode);
  await until(() => stillRunning(tree).length === 0, 5000);
  expect(stillRunning(tree)).toEqual([]);
  await expectRestored(before, 5000);
});
