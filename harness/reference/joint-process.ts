/** One joint trial in a process of its own: `node joint-trial.js`, a JointSpec in, a JointResult out. */
import { join } from 'node:path';
import { z } from 'zod';
import { ask, type HostedProgram } from '../host/hosted-process.ts';
import { distDir } from '../paths.ts';
import { type JointResult, type JointSpec, jointResultSchema, jointSpecSchema } from '../result.ts';

export const JOINT_PROGRAM: string = join(distDir, 'harness', 'reference', 'joint-trial.js');

/**
 * Never throws for what goes wrong in it: that is a failed joint trial. Throws TrialStopped when `signal` ended it, and
 * for what is no JointSpec.
 */
export async function runJointTrial(
  program: HostedProgram,
  spec: JointSpec,
  signal: AbortSignal,
): Promise<JointResult> {
  const failed = (code: string, message: string): JointResult => ({
    status: 'failed',
    spec,
    error: { code, message, mend: null },
  });
  const answer = await ask(program, jointSpecSchema.parse(spec), signal);
  if (!answer.answered) return failed(answer.code, answer.message);
  const parsed = jointResultSchema.safeParse(answer.json);
  if (parsed.success) return parsed.data;
  return failed('PROTOCOL', `it printed something that is no result: ${z.prettifyError(parsed.error)}${answer.said}`);
}
