/** Whether idle policy `busy` can be had here, asked before a study begins. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { cannotError } from './errors.ts';
import { AWAKE_PROGRAM, awakeRefused } from './idle.ts';
import { binDir } from './paths.ts';
import { readFact } from './proc-files.ts';

/** The program bounds itself to 5 s. */
const CHECK_LIMIT_MS = 8000;

/** Before a study: throws (exit code 3) where no trial could keep the CPUs awake, or where doing so would slow it. */
export async function checkAwake(): Promise<void> {
  const quota = cpuQuota();
  if (quota !== null) {
    throw cannotError(
      `--idle busy: this process has a CPU quota (${quota}), which the spinners would use up, and the workload would stand still`,
      'use --idle native, or run without a CPU quota',
    );
  }
  const program = join(binDir, AWAKE_PROGRAM);
  if (!existsSync(program)) throw cannotError(`${program} is not built`, 'npm run build');
  const run = await execa(program, ['--check'], { reject: false, stdin: 'ignore', timeout: CHECK_LIMIT_MS });
  if (run.failed) throw awakeRefused(run.stdout === '' ? run.shortMessage : JSON.parse(run.stdout).message);
}

/** The file and value that bound our CPU time, in this cgroup or one above it; null: none does. */
export function cpuQuota(root = '/'): string | null {
  const memberships = readFact(join(root, 'proc/self/cgroup')) ?? '';
  for (const line of memberships.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    const unified = controllers === '';
    if (!unified && !controllers.split(',').includes('cpu')) continue;
    const mount = join(root, 'sys/fs/cgroup', unified ? '' : controllers);
    const found = quotaAbove(mount, path, unified ? 'cpu.max' : 'cpu.cfs_quota_us');
    if (found !== null) return found;
  }
  return null;
}

function quotaAbove(mount: string, path: string, file: string): string | null {
  const parts = path.split('/').filter((part) => part !== '');
  for (let depth = parts.length; depth >= 0; depth--) {
    const at = join(mount, ...parts.slice(0, depth), file);
    // The root cgroup has no such file, and a container may not see those above its own.
    const value = readFact(at);
    // cpu.max: `max 100000` is unbounded; cpu.cfs_quota_us: -1 is.
    if (value !== null && value !== '' && !/^(max|-1)\b/.test(value)) return `${at}: ${value}`;
  }
  return null;
}
