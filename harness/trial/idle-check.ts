/** Whether spinners of the idle class can be had here, for idle policy `busy` or a soaker, asked before a study begins. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { readQuota } from '../doctor/cpu-facts.ts';
import { cannotError } from '../errors.ts';
import { binDir } from '../paths.ts';
import { AWAKE_PROGRAM, awakeRefused, type Need } from './idle.ts';

/** The program bounds itself to 5 s. */
const CHECK_LIMIT_MS = 8000;

/** Before a study: throws (exit code 3) where no trial could keep the CPUs awake, or where doing so would slow it. */
export async function checkAwake(need: Need): Promise<void> {
  const quota = readQuota().value;
  if (quota !== null && quota !== 'none') {
    throw cannotError(
      `${need.flag}: this process has a CPU quota of ${quota} CPUs, which the spinners would use up, and the workload would stand still`,
      `${need.without}, or run without a CPU quota`,
    );
  }
  const program = join(binDir, AWAKE_PROGRAM);
  if (!existsSync(program)) throw cannotError(`${program} is not built`, 'npm run build');
  const run = await execa(program, ['--check'], { reject: false, stdin: 'ignore', timeout: CHECK_LIMIT_MS });
  if (run.failed) throw awakeRefused(run.stdout === '' ? run.shortMessage : JSON.parse(run.stdout).message, need);
}
