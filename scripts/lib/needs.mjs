// What of the system is there: commands on the PATH and headers in the compiler's directories. Only stat calls, so that
// a set-up with nothing to do costs nothing.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MULTIARCH = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** @returns the command's full path, or null */
export function findCommand(name) {
  for (const dir of (process.env.PATH || '/usr/local/bin:/usr/bin:/bin').split(':')) {
    const path = join(dir || '.', name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not in this directory
    }
  }
  return null;
}

/** @returns the header's full path, or null */
export function findHeader(name) {
  const extra = (process.env.C_INCLUDE_PATH || process.env.CPATH || '').split(':').filter(Boolean);
  const multiarch = MULTIARCH[process.arch];
  const dirs = [...extra, '/usr/local/include', ...(multiarch ? [`/usr/include/${multiarch}`] : []), '/usr/include'];
  return dirs.map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null;
}
