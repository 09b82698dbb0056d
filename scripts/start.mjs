// npm start [-- OPTIONS]: set-up, then a quick study.
import './lib/node-version.mjs';

import('./lib/start-command.mjs').then((command) => command.main(process.argv.slice(2)));
