/** Studies as a user makes them: the command line in a process of its own, read back from its files. */
import { join } from 'node:path';
import { execa } from 'execa';
import { type LoadedStudy, loadStudy } from '../../harness/compare/load.ts';
import { EXIT } from '../../harness/errors.ts';

const TIMEOUT_MS = 300_000;

/** `root`: the checkout that runs it. A noisy study is a study; anything else that is not 0 throws. */
export async function runStudy(root: string, out: string, options: readonly string[]): Promise<LoadedStudy> {
  const { exitCode, stderr } = await execa(join(root, 'tracebench'), ['run', '--quiet', '--out', out, ...options], {
    timeout: TIMEOUT_MS,
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
  });
  if (exitCode !== EXIT.ok && exitCode !== EXIT.invalid) {
    throw new Error(`tracebench run exited with ${exitCode}: ${stderr.slice(-400)}`);
  }
  return loadStudy(out);
}
