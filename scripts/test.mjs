// npm test [-- VITEST OPTIONS]: set-up, then every check.
import './lib/node-version.mjs';

import('./lib/test-command.mjs').then((command) => command.main(process.argv.slice(2)));
