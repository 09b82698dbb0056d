/** Points of the loss surface as trials: bursts of a stamped workload into a buffer sized in calls. */
import type { BufferTerms } from '../backend.ts';
import type { Machine } from '../machine/machine.ts';
import { bytesForCalls } from '../plan/buffer.ts';
import { intervalMs } from '../plan/pace.ts';
import type { TrialResult, TrialSpec } from '../result.ts';
import { nsPerCall } from '../result-figures.ts';
import type { LossPoint } from './fit.ts';
import { type TrialTerms, Unusable } from './run.ts';
import type { PointPlan } from './surface.ts';

/** Between bursts the collector is left so many times as long as a burst takes, and a while beyond. */
const REST_TIMES = 5;
const REST_MS = 20;

export function pointSpec(
  trial: TrialTerms,
  buffer: BufferTerms,
  machine: Machine,
  { callsInFlight, burstCalls, bursts }: PointPlan,
  fullSpeedPerS: number,
): TrialSpec {
  const { workload } = trial;
  if (workload.kind !== 'stamped') throw new TypeError('only stamped workloads can be paced');
  const everyMs = (REST_TIMES * burstCalls * 1000) / fullSpeedPerS + REST_MS;
  const pace = { ratePerS: Math.max(1, Math.round((burstCalls * 1000) / everyMs)), burstCalls };
  return {
    ...trial,
    trialId: `${trial.variant}@${callsInFlight}x${burstCalls}`,
    round: 0,
    order: 0,
    warmup: false,
    inFlight: callsInFlight,
    bufferBytes: bytesForCalls(buffer, callsInFlight, machine),
    workload: { ...workload, calls: burstCalls * bursts, pace },
  };
}

/** What the trial lost. The buffer is as the kernel granted it, the peak rate as it was reached under the tracer. */
export function pointOf(result: TrialResult): LossPoint {
  if (result.status === 'failed') throw new Unusable(`${result.error.code}: ${result.error.message}`);
  const { accounting, section, geometry, spec } = result;
  const pace = spec.workload.kind === 'stamped' ? spec.workload.pace : undefined;
  if (accounting.delivers !== 'records' || section === null || pace === undefined)
    throw new Unusable('the trial delivered no records of an open loop');
  const perCallNs = nsPerCall(result);
  if (perCallNs === null) throw new Unusable('the section has no time beside its waiting');
  if (accounting.verdict === 'error') throw new Unusable(accounting.reasons.join('; '));
  return {
    load: {
      peakPerS: 1e9 / perCallNs,
      burstCalls: pace.burstCalls,
      intervalMs: intervalMs(pace),
      bursts: Math.round(section.calls / pace.burstCalls),
    },
    callsInFlight: geometry.callsInFlight,
    lossFraction: 1 - accounting.complete / accounting.issued,
  };
}
