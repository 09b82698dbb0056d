/** A real study of real calls through the command line, with everything it leaves behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../harness/paths.ts';
import { type Study, studySchema, trialResultSchema } from '../../harness/result.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { type Ended, recordedTrials, TRACEBENCH, tracebench, untilTrials } from './cli.ts';

const ROUNDS = 6;
const CALLS = 20_011;
const BACKENDS = ['none', 'ebpf', 'ptrace'];
const PLAN = ['run', '--backends', BACKENDS.join(), '--workloads', 'null', '-r', `${ROUNDS}`, '--calls', `${CALLS}`];
const FILES = ['cells.csv', 'plan.json', 'result.json', 'summary.md', 'trials.csv', 'trials.ndjson'];

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-smoke-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

const read = (study: string, file: string): string => readFileSync(join(dir, study, file), 'utf8');

/** Rows as objects by the header's names. Only for texts whose quoted fields hold no line breaks. */
function parseCsv(text: string): Record<string, string>[] {
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map((m) => m[1]?.replaceAll('""', '"') ?? m[2]),
    );
  for (const row of rows) expect(row).toHaveLength(header.length);
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ''])));
}

/** 4 only for what the flags and the noise say; a machine that is not quiet may earn it. */
function expectFineOrInvalid(exitCode: number | undefined, study: Study): void {
  const flagged = study.cells.some((cell) => cell.flags.some((flag) => flag.code === 'not-proportional'));
  const noisy = (study.noise?.baselineHalfWidth ?? 0) > 0.2;
  expect(exitCode).toBe(flagged || noisy ? 4 : 0);
}

describe('a small study', () => {
  let ended: Ended;
  let study: Study;

  beforeAll(async () => {
    ended = await tracebench('--json', ...PLAN, '--out', join(dir, 'small'));
    study = studySchema.parse(JSON.parse(ended.stdout));
  });

  test('ends with the exit code that its figures have earned, progress on standard error', () => {
    expectFineOrInvalid(ended.exitCode, study);
    expect(ended.stderr).toContain(`round ${ROUNDS} of ${ROUNDS}`);
    expect(ended.stderr).toContain('files: ');
  });

  test('leaves its files and no other', () => {
    expect(readdirSync(join(dir, 'small')).sort()).toEqual(FILES);
  });

  test('--json prints exactly one document, which is result.json', () => {
    expect(JSON.parse(ended.stdout)).toEqual(JSON.parse(read('small', 'result.json')));
  });

  test('result.json is what its JSON Schema says', () => {
    const schema = JSON.parse(readFileSync(join(projectRoot, 'reports', 'schema', 'result.schema.json'), 'utf8'));
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const valid = ajv.validate(schema, JSON.parse(read('small', 'result.json')));
    expect(ajv.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test('trials.ndjson has one line a trial', () => {
    const trials = recordedTrials(join(dir, 'small')).map((line) => trialResultSchema.parse(line));
    expect(study.complete).toBe(true);
    expect(trials).toHaveLength(study.plan.cells.length * (ROUNDS + study.plan.warmupRounds));
    for (const trial of trials) expect(trial.status).toBe('completed');
    expect(new Set(trials.map((t) => t.spec.trialId)).size).toBe(trials.length);
  });

  test('every call is in the books of the recording backends', () => {
    for (const trial of recordedTrials(join(dir, 'small')).map((line) => trialResultSchema.parse(line))) {
      if (trial.status !== 'completed' || trial.accounting.delivers !== 'records') continue;
      expect(trial.accounting.verdict).toBe('reconciled');
      expect(trial.accounting.complete + trial.accounting.missing).toBe(CALLS);
    }
  });

  test('cells.csv and trials.csv have a row each', () => {
    const cells = parseCsv(read('small', 'cells.csv'));
    expect(cells.map((row) => row['cell_id'])).toEqual(study.cells.map((cell) => cell.cellId));
    const trials = parseCsv(read('small', 'trials.csv'));
    expect(trials).toHaveLength(recordedTrials(join(dir, 'small')).length);
    const usable = study.backends.filter((row) => row.answer === 'yes').map((row) => row.variant);
    expect(usable).toEqual(expect.arrayContaining(['none', 'ptrace']));
    expect(new Set(trials.map((row) => row['variant']))).toEqual(new Set(usable));
  });

  test('summary.md opens with the verdict', () => {
    const text = read('small', 'summary.md');
    expect(text).toMatch(/^# Verdict\n\n\S/);
    for (const sentence of Object.values(study.verdict)) expect(text).toContain(sentence.slice(0, 40));
  });

  test('explain lays a cell open', async () => {
    const cell = `null/${CALLS}/ptrace`;
    const said = await tracebench('explain', cell, '--study', join(dir, 'small'));
    expect(said.exitCode).toBe(0);
    expect(said.stdout).toContain(cell);
    expect(said.stdout).toMatch(/tracebench run .*--workloads null/);
    const unknown = await tracebench('explain', 'null/1/nobody', '--study', join(dir, 'small'));
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain('mend: ');
  });

  test('its folder is not overwritten', async () => {
    const again = await tracebench(...PLAN, '--out', join(dir, 'small'));
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toMatch(/is not empty\nmend: .*--resume/);
  });
});

test('--dry-run runs nothing and writes nothing', async () => {
  const ended = await tracebench(...PLAN, '--dry-run', '--out', join(dir, 'dry'));
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout).toContain('nothing was run');
  expect(ended.stdout).toContain(`null/${CALLS}/ptrace`);
  expect(existsSync(join(dir, 'dry'))).toBe(false);
});

test('a runner that is killed leaves no process and no result; --resume completes the study', async () => {
  const out = join(dir, 'killed');
  const runner = execa(TRACEBENCH, [...PLAN, '--out', out], { reject: false, stdin: 'ignore' });
  await untilTrials(out, 4);
  const tree = treeOf(runner.pid as number);
  runner.kill('SIGKILL');
  expect((await runner).signal).toBe('SIGKILL');
  await until(() => stillRunning(tree).length === 0, 5000);
  expect(stillRunning(tree)).toEqual([]);
  await expectRestored(before);
  expect(readdirSync(out).sort()).toEqual(['plan.json', 'trials.ndjson']);

  const recorded = recordedTrials(out);
  const resumed = await tracebench('run', '--resume', out);
  const study = studySchema.parse(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
  expectFineOrInvalid(resumed.exitCode, study);
  expect(study.complete).toBe(true);
  const all = recordedTrials(out);
  expect(all.slice(0, recorded.length)).toEqual(recorded);
  expect(all).toHaveLength(study.plan.cells.length * (ROUNDS + study.plan.warmupRounds));
}, 120_000);
