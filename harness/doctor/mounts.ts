/** What is mounted where. File systems are looked at, never mounted from here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFact } from '../machine/proc-files.ts';
import { type Fact, known, untold } from './fact.ts';

export interface Mount {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The first place where a file system of this type is mounted. */
export function mountPoint(type: string, root = '/'): Fact<string | 'not mounted'> {
  const [mount] = readMounts([type], root);
  if (mount !== undefined) return known(mount.path);
  return existsSync(join(root, 'proc/self/mounts')) ? known('not mounted') : untold('/proc/self/mounts is missing');
}

/** Mounts of the given types in this mount namespace, in the kernel's order. */
export function readMounts(types: readonly string[], root = '/'): Mount[] {
  const mounts: Mount[] = [];
  for (const line of (readFact(join(root, 'proc/self/mounts')) ?? '').split('\n')) {
    const [, path, type, options] = line.split(' ');
    if (path !== undefined && type !== undefined && types.includes(type)) {
      // The kernel writes blanks in paths as \040.
      const plain = path.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)));
      mounts.push({ path: plain, type, options: options?.split(',') ?? [] });
    }
  }
  return mounts;
}
