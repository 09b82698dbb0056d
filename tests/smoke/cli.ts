/** The program as a user has it: `./tracebench` of the built tree. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { projectRoot } from '../../harness/paths.ts';
import { until } from '../fixtures/processes.ts';

export const TRACEBENCH: string = join(projectRoot, 'tracebench');
export const CALLS_PROGRAM: string = join(projectRoot, 'build', 'test', 'calls');

/** No one command here takes longer, on whatever machine. */
const LIMIT_MS = 100_000;

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs any command to its end; its failure is an answer. */
export async function command(file: string, args: readonly string[], options: Options = {}): Promise<Ended> {
  const ended = await execa(file, args, { reject: false, stdin: 'ignore', timeout: LIMIT_MS, ...options });
  return { exitCode: ended.exitCode, stdout: String(ended.stdout), stderr: String(ended.stderr) };
}

export function tracebench(...args: string[]): Promise<Ended> {
  return command(TRACEBENCH, args);
}

/** The whole lines of a study's trials.ndjson, each parsed. A line that is no JSON throws. */
export function recordedTrials(dir: string): Record<string, unknown>[] {
  const path = join(dir, 'trials.ndjson');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** From a start through npm, its set-up included, to the first trials. */
const UNDER_WAY_MS = 30_000;

/** Waits until the study in `dir` is amid its rounds. */
export async function untilTrials(dir: string, count: number): Promise<void> {
  if (!(await until(() => recordedTrials(dir).length >= count, UNDER_WAY_MS)))
    throw new Error(`no ${count} trials in ${dir}`);
}
