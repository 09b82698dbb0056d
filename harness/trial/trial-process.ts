/** One trial in a process of its own: `node trial.js`, a TrialSpec in, a TrialResult out. */
import { join } from 'node:path';
import { z } from 'zod';
import { ask, type HostedProgram } from '../host/hosted-process.ts';
import { distDir } from '../paths.ts';
import { type FailedTrial, type TrialResult, type TrialSpec, trialResultSchema, trialSpecSchema } from '../result.ts';
import { measuredNs } from '../result-figures.ts';
import { RESULT_VERSION } from '../result-version.ts';

export const TRIAL_PROGRAM: string = join(distDir, 'harness', 'trial', 'trial.js');

/**
 * Never throws for what goes wrong in a trial: that is a failed trial, which names it.
 * Throws TrialStopped when `signal` ended it, and for what is no TrialSpec.
 */
export async function runTrial(program: HostedProgram, spec: TrialSpec, signal: AbortSignal): Promise<TrialResult> {
  const startedAt = new Date();
  const failed = (code: string, message: string): FailedTrial => ({
    version: RESULT_VERSION,
    spec,
    startedAt: startedAt.toISOString(),
    wallMs: Date.now() - startedAt.getTime(),
    status: 'failed',
    error: { code, message, mend: null },
  });
  const answer = await ask(program, trialSpecSchema.parse(spec), signal);
  if (!answer.answered) return failed(answer.code, answer.message);
  const result = checked(answer.json, spec);
  return typeof result === 'string' ? failed('PROTOCOL', `${result}${answer.said}`) : result;
}

/** The result, or what is wrong with what came. */
function checked(json: unknown, spec: TrialSpec): TrialResult | string {
  const parsed = trialResultSchema.safeParse(json);
  if (!parsed.success) return `the trial process printed something that is no result: ${z.prettifyError(parsed.error)}`;
  const result = parsed.data;
  if (result.spec.trialId !== spec.trialId) {
    return `the trial process answered for ${result.spec.trialId} instead of ${spec.trialId}`;
  }
  const durationNs = measuredNs(result);
  if (durationNs !== null && !(durationNs > 0)) return `the trial's section lasted ${durationNs} ns`;
  return result;
}
