// Set-up, then one of our own programs with our terminal, our signals and its exit code.
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { run, shellCode } from './child.mjs';
import { ROOT } from './project.mjs';
import { SetupError } from './report.mjs';
import { setup } from './setup.mjs';

export async function setupAndLaunch(purpose, program, args) {
  await setup(purpose);
  if (!existsSync(program)) {
    throw new SetupError(`${relative(ROOT, program)} is missing`, { why: 'the build made no such file' });
  }
  const cwd = process.env.INIT_CWD || process.cwd();
  const result = await run(process.execPath, [program, ...args], { output: 'inherit', cwd });
  if (result.error)
    throw new SetupError(`${relative(ROOT, program)} could not be started`, { why: result.error.message });
  return shellCode(result.code, result.signal);
}
