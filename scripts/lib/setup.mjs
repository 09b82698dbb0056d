// The set-up that `npm start`, `npm test` and `npm run bench` share. Each step says a line when it does something and
// nothing when not.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { addon, bpfObjects, programs, testPrograms } from './native-build.mjs';
import { nodeModules } from './node-modules.mjs';
import { at, ROOT } from './project.mjs';
import { EXIT_MACHINE, SetupError, say } from './report.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { systemPackages } from './system-packages.mjs';
import { typescript } from './typescript.mjs';
import { vendor } from './vendored.mjs';

/** Folders the set-up writes to; one left by a run as root stops a later run as a user. */
const WRITTEN = ['build', 'build/.stamps', 'dist', 'node_modules', 'native/build', 'native/vendor'];

/** @param purpose what it is for: 'start', 'test' or 'bench'; the latter two need more */
export async function setup(purpose = 'start') {
  checkPlatform();
  checkRights();
  await withSetupLock(async () => {
    await systemPackages(purpose);
    await nodeModules();
    await vendor();
    await bpfObjects();
    await programs();
    if (purpose === 'test') await testPrograms();
    await addon();
    await typescript();
  });
}

function checkPlatform() {
  if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) return;
  throw new SetupError(`tracebench cannot run on ${process.platform} ${process.arch}`, {
    why: 'it measures tracing mechanisms of the Linux kernel, on x86-64 and arm64',
    mend: 'run it on such a machine or in a virtual one',
    code: EXIT_MACHINE,
  });
}

function checkRights() {
  const refused = [ROOT, ...WRITTEN.map((folder) => at(folder))].filter(
    (path) => existsSync(path) && !isWritable(path),
  );
  if (refused.length > 0) {
    const names = refused.map((path) => relative(ROOT, path) || '.');
    throw new SetupError(`cannot write to ${names.join(', ')}`, {
      why: `this runs as uid ${process.getuid()}; ${names[0]} belongs to uid ${statSync(refused[0]).uid} (an earlier run as root?)`,
      mend: `run: sudo chown -R "$(id -u):$(id -g)" ${refused.join(' ')}`,
      code: EXIT_MACHINE,
    });
  }
  const owner = statSync(ROOT).uid;
  if (process.getuid() === 0 && owner !== 0 && !existsSync(join(ROOT, 'build'))) {
    say(`setup: running as root in a directory of uid ${owner}: what is built here will belong to root`);
  }
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
