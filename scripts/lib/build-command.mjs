import { runMain, say } from './report.mjs';
import { setup } from './setup.mjs';

export function main() {
  return runMain(async () => {
    await setup();
    say('build: up to date');
    return 0;
  });
}
