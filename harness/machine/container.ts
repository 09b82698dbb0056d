/** Is this a container, and what says so. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INITIAL_NAMESPACES, namespaceInode, readFact } from './proc-files.ts';

export interface ContainerFinding {
  readonly answer: 'yes' | 'no' | 'unknown';
  /** Its kind; null unless the answer is yes. */
  readonly name: string | null;
  /** What the answer rests on. */
  readonly shownBy: string;
}

/** The mark that a container manager leaves, and whose it is. */
function mark(root: string): { name: string; shownBy: string } | null {
  const named = readFact(join(root, 'run/systemd/container'));
  if (named !== null && named !== '') return { name: named, shownBy: '/run/systemd/container' };
  if (existsSync(join(root, 'run/.containerenv'))) return { name: 'podman', shownBy: '/run/.containerenv' };
  if (existsSync(join(root, '.dockerenv'))) return { name: 'docker', shownBy: '/.dockerenv' };
  const init = /(?:^|\0)container=([^\0]+)/.exec(readFact(join(root, 'proc/1/environ')) ?? '')?.[1];
  if (init !== undefined) return { name: init, shownBy: 'the environment of pid 1' };
  const cgroup = readFact(join(root, 'proc/1/cgroup')) ?? '';
  const manager = /docker|kubepods|containerd|lxc|libpod|machine/.exec(cgroup)?.[0];
  return manager === undefined ? null : { name: manager, shownBy: 'the control group of pid 1' };
}

/** An image unpacked on a machine has the marks too, so nothing counts where all namespaces are the machine's own. */
export function findContainer(root = '/'): ContainerFinding {
  const inInitial = Object.entries(INITIAL_NAMESPACES).every(([name, inode]) => namespaceInode(name, root) === inode);
  if (inInitial) return { answer: 'no', name: null, shownBy: 'all namespaces are the initial ones' };
  const marked = mark(root);
  if (marked !== null) return { answer: 'yes', ...marked };
  const pid = namespaceInode('pid', root);
  if (pid === null) return { answer: 'unknown', name: null, shownBy: '/proc does not show the namespaces' };
  // A pid namespace alone (unshare, bubblewrap) matters as much: pids in it are not those the kernel records.
  return pid === INITIAL_NAMESPACES.pid
    ? { answer: 'no', name: null, shownBy: 'the initial pid namespace, and no mark of a container' }
    : { answer: 'yes', name: 'unnamed (own pid namespace)', shownBy: 'the pid namespace' };
}
