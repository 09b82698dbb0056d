/** Where the tracing file systems are mounted. They are looked at, never mounted from here. */
import { join } from 'node:path';
import { readFact } from '../environment.ts';

export interface Mount {
  readonly path: string;
  readonly type: string;
}

/** Mounts of the given types in this mount namespace, in the kernel's order. */
export function readMounts(types: readonly string[], root = '/'): Mount[] {
  const mounts: Mount[] = [];
  for (const line of (readFact(join(root, 'proc/self/mounts')) ?? '').split('\n')) {
    const [, path, type] = line.split(' ');
    if (path !== undefined && type !== undefined && types.includes(type)) {
      // The kernel writes blanks in paths as \040.
      mounts.push({
        path: path.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8))),
        type,
      });
    }
  }
  return mounts;
}
