import { setupAndLaunch } from './launch.mjs';
import { at } from './project.mjs';
import { runMain } from './report.mjs';

export function main(argv) {
  return runMain(() => setupAndLaunch('bench', at('dist', 'bench', 'cli.js'), argv));
}
