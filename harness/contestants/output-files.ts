/** The files a tool wrote into its folder: as lines, as a beginning or an end for messages, and whether they still grow. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 1 << 22;
const SHOWN_BYTES = 400;

/**
 * Every line of `path`, without its end; Latin-1, because what is looked for is ASCII and a tool may print anything. None for a
 * file that is not there: a tool that had nothing to say need not have made it.
 */
export function* linesOf(path: string): Generator<string> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const bytes = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (bytes === 0) break;
      const lines = (rest + chunk.toString('latin1', 0, bytes)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}

export function hasLine(path: string, pattern: RegExp): boolean {
  for (const text of linesOf(path)) if (pattern.test(text)) return true;
  return false;
}

/** The last words of `path`, on one line. */
export function tailOf(path: string): string {
  let last: string[] = [];
  for (const line of linesOf(path)) {
    if (line.trim() === '') continue;
    last.push(line.trim());
    if (last.length > 4) last = last.slice(1);
  }
  const text = last.join('; ');
  return text.length > SHOWN_BYTES ? `…${text.slice(-SHOWN_BYTES)}` : text;
}

/** Sizes of all files, by which one sees whether anything was written between two looks; and the largest. */
export function sizesOf(folder: string): { readonly all: string; readonly largest: number } {
  const sizes = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [name, statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0] as const);
  return { all: JSON.stringify(sizes), largest: Math.max(0, ...sizes.map(([, size]) => size)) };
}
