/** One bystander trial in a process of its own: `node bystander-trial.js`, a BystanderSpec in, a BystanderTrial out. */
import { join } from 'node:path';
import { z } from 'zod';
import { ask, type HostedProgram } from '../host/hosted-process.ts';
import { distDir } from '../paths.ts';
import { type BystanderSpec, type BystanderTrial, bystanderSpecSchema, bystanderTrialSchema } from './result.ts';

export const BYSTANDER_PROGRAM: string = join(distDir, 'harness', 'bystander', 'bystander-trial.js');

/**
 * Never throws for what goes wrong in it: that is a failed trial. Throws TrialStopped when `signal` ended it, and for
 * what is no BystanderSpec.
 */
export async function runBystanderTrial(
  program: HostedProgram,
  spec: BystanderSpec,
  signal: AbortSignal,
): Promise<BystanderTrial> {
  const failed = (code: string, message: string): BystanderTrial => ({
    status: 'failed',
    spec,
    error: { code, message, mend: null },
  });
  const answer = await ask(program, bystanderSpecSchema.parse(spec), signal);
  if (!answer.answered) return failed(answer.code, answer.message);
  const parsed = bystanderTrialSchema.safeParse(answer.json);
  if (parsed.success) return parsed.data;
  return failed('PROTOCOL', `it printed something that is no result: ${z.prettifyError(parsed.error)}${answer.said}`);
}
