/** Starts the real trial process, as the runner does, and reads its one result. */
import { execa } from 'execa';
import { findVariant } from '../../backends/index.ts';
import { type TrialResult, type TrialSpec, trialResultSchema } from '../../harness/result.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';

export function specFor(variant: string, workload: TrialSpec['workload'], changes: Partial<TrialSpec> = {}): TrialSpec {
  const definition = findVariant(variant).variant;
  const same = definition.placement === 'same';
  return {
    trialId: 'test',
    cellId: 'test',
    round: 0,
    order: 0,
    warmup: false,
    workload,
    variant,
    bufferBytes: 8 << 20,
    inFlight: null,
    filter: null,
    wakeup: definition.wakeup,
    placement: definition.placement,
    workloadCpus: same ? [0] : null,
    collectorCpus: same ? [0] : null,
    idle: 'native',
    auditContext: 'unknown',
    user: null,
    consumer: 'ledger',
    stallMs: 0,
    stallAfterCalls: 0,
    deadlineMs: 60_000,
    ...changes,
  };
}

export function stamped(name: string, calls: number, threads = 1): TrialSpec['workload'] {
  return { kind: 'stamped', name, calls, threads, seed: 1 };
}

export async function runTrial(spec: TrialSpec, env: Record<string, string> = {}): Promise<TrialResult> {
  const child = execa(process.execPath, [TRIAL_PROGRAM], { env, reject: false, timeout: 90_000 });
  child.stdin?.write(`${JSON.stringify(spec)}\n`);
  const { stdout, stderr, exitCode } = await child;
  if (exitCode !== 0) throw new Error(`trial process exited with ${exitCode}: ${stderr}`);
  return trialResultSchema.parse(JSON.parse(stdout));
}
