// npm run vendor [-- --from DIR] [--force]: only the foreign libraries.
import './lib/node-version.mjs';

import('./lib/vendor-command.mjs').then((command) => command.main(process.argv.slice(2)));
