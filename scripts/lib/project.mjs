// Where things are. Every script of the set-up takes its paths from here.
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** An absolute path inside the project. */
export const at = (...parts) => join(ROOT, ...parts);

/** Where downloads are kept between clones; null when there is no home to keep them in. */
export function cacheDir() {
  const base = process.env.XDG_CACHE_HOME || (homedir() && homedir() !== '/' ? join(homedir(), '.cache') : null);
  return base ? join(base, 'tracebench') : null;
}
