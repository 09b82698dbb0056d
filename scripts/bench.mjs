// npm run bench [-- OPTIONS]: set-up, then the checks of the figures.
import './lib/node-version.mjs';

import('./lib/bench-command.mjs').then((command) => command.main(process.argv.slice(2)));
