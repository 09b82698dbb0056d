/** Files that are whole or absent. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

/** Written beside the target, flushed, renamed over it; nothing is left when it fails. */
export function writeFileAtomic(path: string, text: string): void {
  const draft = `${path}.${process.pid}.part`;
  try {
    const file = openSync(draft, 'w');
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Points `path` at `target` (relative to the link), whatever it pointed at before. */
export function symlinkAtomic(target: string, path: string): void {
  const draft = `${path}.${process.pid}.part`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  try {
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
