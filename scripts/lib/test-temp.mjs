// One temporary directory for everything a test run makes, so that what a killed test leaves goes with it.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'tracebench-test-';

/** Points TMPDIR of this process and its children to a directory that is removed when this process ends. */
export function takeTestTemp() {
  const parent = tmpdir();
  for (const name of readdirSync(parent)) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid && !isAlive(pid)) remove(join(parent, name));
  }
  const dir = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  // As the system's: tests also run programs as other users.
  chmodSync(dir, 0o1777);
  process.env.TMPDIR = dir;
  process.on('exit', () => remove(dir));
}

/** Of another user's killed run nothing can be removed: not this run's fault. */
function remove(dir) {
  try {
    rmSync(dir, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'EPERM' && error.code !== 'EACCES') throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
