/** The small native programs that doctor asks: each prints one JSON object and changes nothing unless told to. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { binDir } from '../paths.ts';

const DEADLINE_MS = 5_000;

/** What a program said, or why there is nothing to be had from it. */
export type ProgramAnswer =
  | { readonly answered: true; readonly json: Readonly<Record<string, unknown>> }
  | { readonly answered: false; readonly reason: string };

export type ProgramRun =
  | { readonly ran: true; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly ran: false; readonly reason: string };

export interface ProgramPlace {
  readonly directory?: string;
  /** Words before the program's own: sudo, where only root is told. */
  readonly prefix?: readonly string[];
}

/** Runs build/bin/<name> to its end, at most 5 s. Never throws: not built, killed and failed are answers. */
export async function runProgram(
  name: string,
  args: readonly string[],
  { directory = binDir, prefix = [] }: ProgramPlace = {},
): Promise<ProgramRun> {
  const program = join(directory, name);
  if (!existsSync(program)) return { ran: false, reason: 'not built' };
  const [file, ...words] = [...prefix, program];
  const run = await execa(file as string, [...words, ...args], {
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    reject: false,
    stdin: 'ignore',
  });
  if (run.timedOut) return { ran: false, reason: `no answer in ${DEADLINE_MS} ms` };
  if (run.exitCode === undefined) return { ran: false, reason: run.shortMessage ?? 'ended without an exit code' };
  return { ran: true, exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr };
}

/** Its standard output as one JSON object. */
export async function askProgram(
  name: string,
  args: readonly string[],
  place: ProgramPlace = {},
): Promise<ProgramAnswer> {
  const run = await runProgram(name, args, place);
  if (!run.ran) return { answered: false, reason: run.reason };
  if (run.exitCode !== 0) {
    return { answered: false, reason: run.stderr.trim() || `${basename(name)} ended with exit code ${run.exitCode}` };
  }
  try {
    const json: unknown = JSON.parse(run.stdout);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return { answered: true, json: json as Record<string, unknown> };
    }
  } catch {
    // Said below: whatever it printed is not the object that was promised.
  }
  return { answered: false, reason: `printed no JSON object: ${run.stdout.slice(0, 80)}` };
}
