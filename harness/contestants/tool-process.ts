/**
 * A process beside the target, under a launcher of its own: its standard output and error in files of bounded size, its tree
 * killed when this process dies.
 */
import { join } from 'node:path';
import { STDERR, STDOUT } from '../../backends/external/contestant.ts';
import { Target, type TargetEnd, untracedSettings } from '../session/target.ts';

/** Of any one file. Beyond, writing fails with EFBIG; a tool that is killed by that would tell nothing. */
export const MOST_FILE_BYTES = 1 << 30;
const ULIMIT_BLOCK_BYTES = 512;

/** For tools that look events up where tracefs is usually mounted: in a mount namespace that ends with them. */
const MOUNTS = 'mount -t tracefs nodev /sys/kernel/tracing && mount -t debugfs nodev /sys/kernel/debug && ';

export interface ToolWords {
  readonly words: readonly string[];
  readonly tracefs: boolean;
  readonly mostFileBytes: number;
}

/** The command line that runs `words` within the bounds. It becomes them: no shell stays. */
export function boundedWords({ words, tracefs, mostFileBytes }: ToolWords): string[] {
  const limits = `ulimit -f ${mostFileBytes / ULIMIT_BLOCK_BYTES} && trap '' XFSZ && exec "$@"`;
  const shell = ['sh', '-c', `${tracefs ? MOUNTS : ''}${limits}`, 'sh', ...words];
  return tracefs ? ['unshare', '--mount', ...shell] : shell;
}

/** Started at once. `cpus` null: anywhere. */
export async function startTool(
  tool: ToolWords,
  folder: string,
  cpus: readonly number[] | null,
  out: string = STDOUT,
): Promise<Target> {
  const argv = boundedWords(tool);
  const stdio = { out: join(folder, out), err: join(folder, out === STDOUT ? STDERR : `${out}.stderr`) };
  const target = await Target.launch(untracedSettings({ argv, cpus, user: null, stdio }));
  target.start();
  return target;
}

/** Runs a short command to its end; throws, with what it said, when it fails or outlives its limit. */
export async function runTool(tool: ToolWords, folder: string, out: string, limitMs: number): Promise<void> {
  const target = await startTool(tool, folder, null, out);
  try {
    const end = await endWithin(target, target.end(), limitMs);
    if (end === null) throw new Error(`${tool.words.join(' ')} still ran after ${limitMs} ms`);
    if (end.exitCode !== 0) throw new Error(`${tool.words.join(' ')} ${howItEnded(end)}`);
  } finally {
    await target.close();
  }
}

/** `ended`, which is target.end(); null when that took longer than limitMs: it was killed then. */
export async function endWithin(target: Target, ended: Promise<TargetEnd>, limitMs: number): Promise<TargetEnd | null> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    target.kill();
  }, limitMs);
  try {
    const end = await ended;
    return late ? null : end;
  } finally {
    clearTimeout(timer);
  }
}

export function howItEnded({ exitCode, signal }: TargetEnd): string {
  return signal !== null ? `was ended by signal ${signal}` : `ended with exit code ${exitCode}`;
}
