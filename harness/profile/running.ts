/**
 * Targets that run already. Named by the user and never the whole machine: what this process is part of itself is refused,
 * so the first process and the root of all control groups are as well.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cannotError, usageError } from '../errors.ts';
import { field, readFact, readProcess } from '../machine/proc-files.ts';

function isAncestor(pid: number): boolean {
  for (let at = process.pid; at > 0; at = readProcess(at)?.ppid ?? 0) if (at === pid) return true;
  return false;
}

/** Its name. Throws a usage error for what cannot be a target. */
export function checkProcess(pid: number): string {
  const stat = readProcess(pid);
  if (stat === null || stat.state === 'Z') {
    throw usageError(`--pid: there is no process ${pid}`, 'name one that runs: pgrep -a NAME');
  }
  // The initial process as well where we do not descend from it, as behind a subreaper of another namespace.
  if (pid === 1 || isAncestor(pid)) {
    throw usageError(
      `--pid: process ${pid} (${stat.name}) has begun this tracebench, and would be profiled with it`,
      'name a process that this one does not descend from',
    );
  }
  if (field(readFact(`/proc/${pid}/status`), 'Tgid') !== String(pid)) {
    throw usageError(
      `--pid: ${pid} is a thread`,
      `name its process: --pid ${field(readFact(`/proc/${pid}/status`), 'Tgid')}`,
    );
  }
  return stat.name;
}

/** Asked now, answered later: whether the same process is still there, or only what is left of it. */
export function stillRuns(pid: number): () => boolean {
  const began = readProcess(pid)?.startTicks;
  return () => {
    const stat = readProcess(pid);
    return stat !== null && stat.startTicks === began && stat.state !== 'Z';
  };
}

/** Where cgroup2 is mounted; null: nowhere. */
function hierarchy(): string | null {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mount = lines.find((line) => line.split(' - ')[1]?.startsWith('cgroup2 '));
  return (
    mount?.split(' ')[4]?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) ??
    null
  );
}

/** Its absolute path, from one that begins at the hierarchy's root or at the file system's. Throws what says why it cannot be. */
export function checkCgroup(path: string): string {
  const root = hierarchy();
  if (root === null) {
    throw cannotError(
      '--cgroup: no cgroup2 hierarchy is mounted',
      'mount -t cgroup2 none /mnt, or name a process by --pid',
    );
  }
  const found = [join(root, path), path].filter((one) => one.startsWith('/')).find(isFolder);
  if (found === undefined) {
    throw usageError(`--cgroup: there is no control group ${path} under ${root}`, `see find ${root} -type d`);
  }
  const real = realpathSync(found);
  const below = relative(realpathSync(root), real);
  if (below.startsWith('..')) {
    throw usageError(`--cgroup: ${path} is not in the cgroup2 hierarchy`, `name a folder under ${root}`);
  }
  const ours = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  if (`${ours}/`.startsWith(`/${below}/`.replace('//', '/'))) {
    throw usageError(
      `--cgroup: ${path} holds this tracebench, which would be profiled with it`,
      'name a group beside it, or run tracebench in another: systemd-run --scope',
    );
  }
  return real;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
