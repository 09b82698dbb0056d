import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT_USAGE, runMain, SetupError, say } from './report.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { vendor } from './vendored.mjs';

const USAGE = `usage: npm run vendor -- [--from DIR] [--force]
  --from DIR   take the tarballs from DIR; the network is not used
  --force      build again even when nothing changed`;

export function main(argv) {
  return runMain(async () => {
    const { from, force, help } = parse(argv);
    if (help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const directory = from ? resolve(process.env.INIT_CWD ?? '.', from) : null;
    const built = await withSetupLock(() => vendor({ from: directory, force }));
    if (!built) say('vendor: nothing to do, native/vendor/ is up to date');
    return 0;
  });
}

function parse(argv) {
  try {
    return parseArgs({
      args: argv,
      options: { from: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    throw new SetupError(error.message, { mend: USAGE, code: EXIT_USAGE });
  }
}
