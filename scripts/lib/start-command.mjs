import { setupAndLaunch } from './launch.mjs';
import { at } from './project.mjs';
import { runMain } from './report.mjs';

export function main(argv) {
  return runMain(() =>
    setupAndLaunch('start', at('dist', 'harness', 'cli.js'), ['run', '--profile', 'quick', ...argv]),
  );
}
