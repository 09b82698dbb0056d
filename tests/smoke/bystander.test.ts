/** What processes pay that nobody traces, through the command line and in a trial of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BystanderSpec, type BystanderStudy, bystanderStudySchema } from '../../harness/bystander/result.ts';
import { BYSTANDER_PROGRAM, runBystanderTrial } from '../../harness/bystander/trial-process.ts';
import { listOurProcesses } from '../../harness/doctor/processes.ts';
import { OWN_HOST } from '../../harness/host/host.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { binDir } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { until } from '../fixtures/processes.ts';
import { command, tracebench } from './cli.ts';

const canTrace = (await probeVariant('ebpf')).answer === 'yes';
const bystandersLeft = () => listOurProcesses().filter(({ name }) => name === 'tracebench-bystander');

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-bystander-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

test('a round of all that runs here: each tracer traced its target, and not the bystander', async () => {
  const out = join(dir, 'round');
  const ended = await tracebench('bystander', '--rounds', '1', '--calls', '1000', '--seed', '3', '--out', out);
  expect(ended.exitCode).toBe(0);
  const study: BystanderStudy = bystanderStudySchema.parse(
    JSON.parse(readFileSync(join(out, 'bystander.json'), 'utf8')),
  );
  expect(study).toMatchObject({ complete: true, rounds: 1, seed: 3, callsPerBlock: 1000 });
  const usable = study.backends.filter(({ answer }) => answer !== 'no').map(({ variant }) => variant);
  expect(study.variants.map(({ variant }) => variant)).toEqual(usable.filter((variant) => variant !== 'none'));
  expect(study.trials).toHaveLength(usable.length + 1);
  for (const trial of study.trials) {
    if (trial.status === 'failed') throw new Error(`${trial.spec.variant}: ${trial.error.message}`);
    // The target makes 1,000 and its loader's; five blocks of the bystander's would be 5,000 more.
    expect(trial.calls, trial.spec.variant).toBeGreaterThanOrEqual(trial.spec.variant === 'none' ? 0 : 1000);
    expect(trial.calls, trial.spec.variant).toBeLessThan(trial.spec.variant === 'none' ? 1 : 2000);
  }
  expect(ended.stdout).toMatch(/^nobody \(noise\) +old /m);
  expect(readFileSync(join(out, 'bystander.md'), 'utf8')).toContain('| nobody (noise) | old |');
  expect(bystandersLeft()).toEqual([]);
});

test.runIf(canTrace)('beside a busy target the bystander is measured while it runs', async () => {
  const [cpu = 0] = readMachine().cpus;
  const spec: BystanderSpec = {
    trialId: 'busy',
    round: 0,
    variant: 'ebpf',
    bufferBytes: 1 << 20,
    wakeup: { kind: 'timer', value: 1000 },
    auditContext: 'absent',
    idle: 'native',
    callsPerBlock: 1000,
    // One after the other where there is one CPU for all: whether it is measured does not depend on that.
    place: { bystander: cpu, collector: cpu, target: cpu, busy: true },
    seed: 1,
    user: null,
    deadlineMs: 30_000,
  };
  const program = { entry: BYSTANDER_PROGRAM, host: OWN_HOST };
  const trial = await runBystanderTrial(program, spec, new AbortController().signal);
  if (trial.status === 'failed') throw new Error(trial.error.message);
  expect(trial.calls).toBeGreaterThan(10_000);
  for (const kind of ['old', 'new'] as const) expect(trial[kind].busy).toBeGreaterThan(0);
});

test('the bystander ends when whoever started it is gone, and refuses what it cannot take', async () => {
  const program = join(binDir, 'tracebench-bystander');
  // The shell holds the pipe's writing end and ends; nobody tells the program anything.
  const script = `exec 5> >("$0" 0 1000 3<&0 4>"$1"); printf on >&5; until [ "$(wc -l <"$1")" = 3 ]; do :; done`;
  const said = join(dir, 'said');
  expect((await command('bash', ['-c', script, program, said])).exitCode).toBe(0);
  const lines = readFileSync(said, 'utf8').trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['ready', 'measured', 'measured']);
  expect(await until(() => bystandersLeft().length === 0, 10_000)).toBe(true);
  for (const words of [[], ['0'], ['0', '0'], ['0', 'many'], ['-1', '10'], ['0', '99999999999']]) {
    const { exitCode, stderr } = await command(program, words);
    expect(exitCode, words.join(' ')).toBe(2);
    expect(stderr).toContain('Usage: tracebench-bystander CPU CALLS');
  }
});

test.each([
  [['--calls', '0'], "--calls: '0'"],
  [['--calls', '99999999'], '--calls 99999999 is more than 10000000'],
  [['--rounds', 'x'], '--rounds'],
  [['--backends', 'ebpf+perf'], 'ebpf+perf: bystander measures one collector at a time'],
  [['--backends', 'nobody'], "there is no backend or variant 'nobody'"],
])('bystander %j is refused', async (flags, message) => {
  const { exitCode, stdout, stderr } = await tracebench('bystander', ...flags);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(message);
});
