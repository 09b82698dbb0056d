// When a step has nothing to do: the contents of what it reads are what they were, and what it made is still there.
// Contents, not times: a fresh checkout or a touched file rebuilds nothing. A few hundred small files cost
// milliseconds.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { at, ROOT } from './project.mjs';

const STAMPS = at('build', '.stamps');
/** Never inputs of anything, wherever they lie. */
const SKIPPED_DIRS = new Set(['node_modules', 'build', 'dist', 'vendor', 'results', '.git']);

/** All files under a folder of the project whose name matches; missing folders are empty. Sorted. */
export function filesUnder(folder, pattern, { skip = SKIPPED_DIRS } = {}) {
  const found = [];
  const visit = (dir) => {
    let entries;
    try {
      entries = readdirSync(dir, { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (!skip.has(entry.name)) visit(path);
      } else if (pattern.test(entry.name)) {
        found.push(path);
      }
    }
  };
  visit(at(folder));
  return found.sort();
}

/** A hash over names and contents, and over whatever else the step depends on. */
export function fingerprint(files, parameters = null) {
  const hash = createHash('sha256').update(JSON.stringify(parameters));
  for (const file of files) {
    let content;
    try {
      content = readFileSync(file);
    } catch {
      continue;
    }
    hash.update(`\0${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** True when the step last ended well with this fingerprint and everything it made is still there. */
export function isDone(step, print) {
  const stamp = readStamp(step);
  return stamp !== null && stamp.print === print && stamp.made.every((path) => existsSync(at(path)));
}

/** Remembers that the step ended well. `made`: absolute paths of what it produced. */
export function markDone(step, print, made = []) {
  writeStamp(step, { print, made: made.map((path) => relative(ROOT, path)) });
}

export function readStamp(step) {
  try {
    return JSON.parse(readFileSync(join(STAMPS, `${step}.json`), 'utf8'));
  } catch {
    return null;
  }
}

export function writeStamp(step, content) {
  mkdirSync(STAMPS, { recursive: true });
  const path = join(STAMPS, `${step}.json`);
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(content, null, 1)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}
