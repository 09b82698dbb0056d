/** Where the project's own files are, from the sources as well as from dist/. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'native', 'include', 'record.h'))) return dir;
    if (dir === dirname(dir)) throw new Error(`no tracebench checkout above ${from}`);
  }
}

/** The checkout: the folder that holds package.json. */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Built programs: launcher, guard, workloads. */
export const binDir: string = join(projectRoot, 'build', 'bin');

/** Compiled TypeScript; the runner starts the trial process from here. */
export const distDir: string = join(projectRoot, 'dist');
