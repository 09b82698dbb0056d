/** The tree of small files that several applications work on: the same bytes in every run of every study. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../harness/random.ts';

const SEED = 1;
const DIRECTORIES = 40;
const FILES_EACH = 50;
const LEAST_BYTES = 256;
const MOST_BYTES = 8192;

export const TREE_FILES = DIRECTORIES * FILES_EACH;

/** Of every file: one younger than git's index would be read once more, or not, by the second at which a run began. */
const MODIFIED = new Date('2020-01-01T00:00:00Z');

/** Makes `tree` in `directory`. @returns bytes of all files */
export function makeTree(directory: string): number {
  const random = createRandom(SEED);
  // Every file is a window of it: contents differ, and making them costs a tenth of drawing them.
  const bytes = Buffer.from(Array.from({ length: 2 * MOST_BYTES }, () => 32 + random.int(95)));
  let total = 0;
  for (let d = 0; d < DIRECTORIES; d++) {
    const folder = join(directory, 'tree', `d${d}`);
    mkdirSync(folder, { recursive: true });
    for (let f = 0; f < FILES_EACH; f++) {
      const size = LEAST_BYTES + random.int(MOST_BYTES - LEAST_BYTES + 1);
      const from = random.int(bytes.length - size);
      const file = join(folder, `f${f}.txt`);
      writeFileSync(file, bytes.subarray(from, from + size));
      utimesSync(file, MODIFIED, MODIFIED);
      total += size;
    }
  }
  return total;
}

/** `word` so many times, for programs that take more than one. */
export function repeated(word: string, times: number): string[] {
  return new Array<string>(times).fill(word);
}
