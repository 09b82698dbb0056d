// npm run format: brings every file into form.
import './lib/node-version.mjs';

import('./lib/format-command.mjs').then((command) => command.main(process.argv.slice(2)));
