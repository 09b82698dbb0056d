/** Capacities, a fleet's needs and a choice from real trials, through the command line. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CapacityStudy, capacityStudySchema } from '../../harness/capacity/result.ts';
import { projectRoot } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { type Ended, TRACEBENCH, tracebench } from './cli.ts';

const canTrace = (await probeVariant('ebpf')).answer === 'yes';

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-capacity-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

function capacityIn(out: string): CapacityStudy {
  return capacityStudySchema.parse(JSON.parse(readFileSync(join(out, 'capacity.json'), 'utf8')));
}

describe.runIf(canTrace)('a small search', () => {
  let ended: Ended;
  let study: CapacityStudy;
  let out: string;

  beforeAll(async () => {
    out = join(dir, 'small');
    const terms = ['--backends', 'ebpf/ringbuf,ptrace', '--in-flight', '2000', '--section', '50ms', '--searches', '1'];
    ended = await tracebench('capacity', ...terms, '--seed', '5', '--out', out);
    study = capacityIn(out);
  }, 100_000);

  test('ends with a row a backend, and the same in its file', () => {
    expect(ended.exitCode).toBe(0);
    expect(ended.stdout).toMatch(/^ebpf\/ringbuf +drops +/m);
    expect(ended.stdout).toMatch(/^ptrace +blocks +.*the workload is made to wait: what is let through$/m);
    expect(readFileSync(join(out, 'capacity.md'), 'utf8')).toContain('| ptrace | blocks |');
    expect(study).toMatchObject({ complete: true, searches: 1, seed: 5, workload: 'null', inFlight: 2000 });
    expect(study.variants.map(({ variant }) => variant)).toEqual(['ebpf/ringbuf', 'ptrace']);
  });

  test('its file keeps the published schema', () => {
    const schema = JSON.parse(readFileSync(join(projectRoot, 'reports', 'schema', 'capacity.schema.json'), 'utf8'));
    const valid = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);
    expect(valid(JSON.parse(readFileSync(join(out, 'capacity.json'), 'utf8'))), JSON.stringify(valid.errors)).toBe(
      true,
    );
    expect(valid({ ...study, searches: 'seven' })).toBe(false);
  });

  test('the attempts hold or do not hold as the outcome says', () => {
    for (const { searches, failures } of study.variants) {
      expect(failures).toEqual([]);
      const [{ outcome, attempts }] = searches as [CapacityStudy['variants'][number]['searches'][number]];
      expect(attempts[0]?.offeredPerS).toBeNull();
      for (const { offeredPerS, achievedPerS } of attempts) {
        if (offeredPerS !== null) expect(achievedPerS).toBeLessThanOrEqual(offeredPerS);
      }
      const at = attempts.filter(({ offeredPerS }) => outcome.kind === 'found' && offeredPerS === outcome.heldPerS);
      expect(at.filter(({ lossFraction }) => lossFraction <= 0.001).length >= 2).toBe(outcome.kind === 'found');
    }
    const [ringbuf, ptrace] = study.variants;
    expect(ringbuf?.geometry?.callsInFlight).toBeGreaterThanOrEqual(2000);
    expect(ptrace?.capacity).toMatchObject({ meaning: 'let-through', low: null, high: null });
  });

  test('nothing is planned for a fleet without a surface, and it says what would be needed', async () => {
    const plan = await tracebench('--json', 'capacity', '--plan', out, '--rate', '10k', '--hosts', '7');
    expect(plan.exitCode).toBe(0);
    const { answers, demand } = JSON.parse(plan.stdout);
    expect(demand).toMatchObject({ ratePerS: 10_000, hosts: 7, burst: null, lossFraction: 0.001 });
    expect(answers[0].cannot).toBe('its loss surface was not measured: capacity --surface');
    expect(answers[1]).toMatchObject({ variant: 'ptrace', cannot: null, bufferBytes: null });
  });
});

test.runIf(canTrace)('SIGINT ends a search, keeps nothing running and says that it is incomplete', async () => {
  const out = join(dir, 'interrupted');
  const child = spawn(TRACEBENCH, ['capacity', '--backends', 'ebpf', '--out', out], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.on('data', (data: Buffer) => said.push(String(data)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  expect(await until(() => said.join('').includes('full speed'), 30_000)).toBe(true);
  const tree = treeOf(child.pid as number);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(await until(() => stillRunning(tree).length === 0, 10_000)).toBe(true);
  expect(existsSync(join(out, 'capacity.md'))).toBe(true);
  expect(capacityIn(out)).toMatchObject({ complete: false, incompleteReason: 'interrupted (SIGINT)' });
});

test.each([
  [['--loss', '2'], "--loss: '2' is not a share from 0 to below 100 %"],
  [['--buffer', '1MiB', '--in-flight', '5'], '--buffer and --in-flight both say how large'],
  [['--rate', '10k'], '--rate belongs to a demand'],
  [['--grid-time', '1m'], '--grid-time bounds a grid, and none was asked for'],
  [['--backends', 'ebpf', '--grid', '--grid-time', '5s'], '--grid-time 5.0 s: a grid of 1 backends takes about 38 s'],
  [['--plan', '/nowhere', '--rate', '10k'], 'ENOENT'],
  [['--plan', '/nowhere'], '--plan needs a demand'],
  [['--backends', 'ebpf+perf'], 'ebpf+perf: capacity measures one collector at a time'],
  [['--workload', 'nul'], "there is no workload 'nul'"],
])('capacity %j is refused', async (flags, message) => {
  const { exitCode, stdout, stderr } = await tracebench('capacity', ...flags);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('mend: ');
});
