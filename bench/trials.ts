/** Trials for the checks: the real trial process, one fresh process each, never two at a time. */
import { findVariant } from '../backends/index.ts';
import { OWN_HOST } from '../harness/host/host.ts';
import type { CompletedTrial, TrialSpec } from '../harness/result.ts';
import { runTrial, TRIAL_PROGRAM } from '../harness/trial/trial-process.ts';
import { findWorkload } from '../workloads/index.ts';

const PROGRAM = { entry: TRIAL_PROGRAM, host: OWN_HOST };
const DEADLINE_MS = 120_000;
/** The workload is always on CPU 0; a collector placed `other` on CPU 1. */
const WORKLOAD_CPUS = [0];
const OTHER_CPUS = [1];

export interface TrialRequest {
  readonly variant: string;
  readonly workload: string;
  readonly calls: number;
  readonly changes?: Partial<TrialSpec>;
}

export function specOf(request: TrialRequest): TrialSpec {
  const { backend, variant } = findVariant(request.variant);
  const threads = findWorkload(request.workload)?.maxThreads === 1 ? 1 : 2;
  const { placement } = variant;
  const trace = { bufferBytes: 8 << 20, filter: null, wakeup: variant.wakeup };
  const needs = backend.launchNeeds?.(variant, trace) ?? {};
  return {
    trialId: `${request.workload}/${request.calls}/${request.variant}`,
    cellId: `${request.workload}/${request.calls}/${request.variant}`,
    round: 0,
    order: 0,
    warmup: false,
    workload: { kind: 'stamped', name: request.workload, calls: request.calls, threads, seed: 1 },
    variant: request.variant,
    bufferBytes: 8 << 20,
    inFlight: null,
    filter: null,
    wakeup: variant.wakeup,
    placement,
    workloadCpus: threads > 1 ? null : WORKLOAD_CPUS,
    collectorCpus:
      threads > 1 ? null : placement === 'same' ? WORKLOAD_CPUS : placement === 'other' ? OTHER_CPUS : null,
    idle: 'native',
    auditContext: needs.auditContext === true ? 'present' : 'absent',
    user: null,
    consumer: 'ledger',
    stallMs: 0,
    stallAfterCalls: 0,
    deadlineMs: DEADLINE_MS,
    ...request.changes,
  };
}

/** Throws when the trial failed: a check that could not measure has no figure. */
export async function trial(request: TrialRequest): Promise<CompletedTrial> {
  const result = await runTrial(PROGRAM, specOf(request), new AbortController().signal);
  if (result.status === 'failed') {
    throw new Error(`${result.spec.cellId}: ${result.error.code}: ${result.error.message}`);
  }
  return result;
}

/** ns per stamped call of the section. */
export function perCallNs(t: CompletedTrial): number {
  if (t.section === null) throw new Error(`${t.spec.cellId} has no section`);
  return t.section.durationNs / t.section.calls;
}
