/**
 * A stamped workload started by hand or under a foreign tool: no control page, so every gate is open, and the truth
 * line on its standard output says how long the section took.
 */
import { execa } from 'execa';
import { z } from 'zod';
import { findWorkload } from '../workloads/index.ts';

const truthSchema = z.object({ issued: z.int().positive(), sectionNs: z.number().positive() });
const DEADLINE_MS = 120_000;

/** The workload's command line, for a tool to start. */
export function workloadCommand(name: string, calls: number): string[] {
  const workload = findWorkload(name);
  if (workload === undefined) throw new Error(`no workload ${name}`);
  return workload.argv({ calls, seed: 1 });
}

/**
 * ns per stamped call, with `command` (which starts the workload) pinned to `cpu`, or not for null. The tool's own
 * output belongs elsewhere than on standard output. Throws when it fails.
 */
export async function externalPerCallNs(command: readonly string[], cpu: number | null): Promise<number> {
  const words = cpu === null ? [...command] : ['taskset', '-c', String(cpu), ...command];
  const [file, ...args] = words as [string, ...string[]];
  const { stdout } = await execa(file, args, { timeout: DEADLINE_MS, stdin: 'ignore', stderr: 'ignore' });
  const line = stdout.split('\n').find((text) => text.startsWith('{"workload"'));
  if (line === undefined) throw new Error(`${words.join(' ')}: no truth line in its output`);
  const truth = truthSchema.parse(JSON.parse(line));
  return truth.sectionNs / truth.issued;
}

/** Version line of a tool, or null when it is not installed. */
export async function toolVersion(file: string, args: readonly string[]): Promise<string | null> {
  const { stdout, failed } = await execa(file, args, { reject: false, stdin: 'ignore', stderr: 'ignore' });
  return failed ? null : (stdout.split('\n')[0] ?? '');
}
