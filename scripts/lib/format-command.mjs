import { applyForm } from './c-form.mjs';
import { run } from './child.mjs';
import { nodeModules } from './node-modules.mjs';
import { at } from './project.mjs';
import { EXIT_FAILED, runMain } from './report.mjs';

export function main() {
  return runMain(async () => {
    await nodeModules();
    const biome = at('node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const formed = await run(process.execPath, [biome, 'check', '--write', '.'], { output: 'inherit' });
    return formed.code === 0 && (await applyForm()) ? 0 : EXIT_FAILED;
  });
}
