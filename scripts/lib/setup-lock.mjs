// One set-up at a time in one tree: two would build into each other's files.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { at } from './project.mjs';
import { SetupError, say } from './report.mjs';

const LOCK = at('build', '.setup.lock');
const PATIENCE_MS = 15 * 60 * 1000;
const POLL_MS = 250;

/** Runs `work` while holding the lock; waits for another set-up, takes over from one that died. */
export async function withSetupLock(work) {
  mkdirSync(at('build'), { recursive: true });
  const deadline = Date.now() + PATIENCE_MS;
  let said = false;
  while (!take()) {
    const holder = holderPid();
    if (holder !== null && !isAlive(holder)) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (Date.now() > deadline) {
      throw new SetupError(`another set-up (process ${holder}) has held ${LOCK} for 15 minutes`, {
        mend: `end it (kill ${holder}) or, when it is not a set-up, remove the file`,
      });
    }
    if (!said) say(`setup: another set-up (process ${holder ?? 'unknown'}) is at work here, waiting for it`);
    said = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(LOCK, { force: true });
  process.on('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take() {
  try {
    const file = openSync(LOCK, 'wx');
    writeSync(file, `${process.pid}\n`);
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** null while the other one has not written its number yet. */
function holderPid() {
  try {
    return Number.parseInt(readFileSync(LOCK, 'utf8'), 10) || null;
  } catch {
    return null;
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
