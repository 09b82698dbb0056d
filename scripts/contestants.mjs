// node scripts/contestants.mjs [--dry-run] PACKAGE=WHY …: what `tracebench setup --contestants` runs.
import './lib/node-version.mjs';

import('./lib/contestants-command.mjs').then((command) => command.main(process.argv.slice(2)));
