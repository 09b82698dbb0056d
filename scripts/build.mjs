// npm run build: only the set-up.
import './lib/node-version.mjs';

import('./lib/build-command.mjs').then((command) => command.main(process.argv.slice(2)));
