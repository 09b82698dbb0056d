/** Figures that follow from a result alone: one definition for statistics, claims and reports. */
import type { Calibration, Cell, CompletedTrial, TrialResult } from './result.ts';

/**
 * Time of the section per stamped call; null for applications, and where the section is empty. In an open loop without
 * the time that a thread waited for its calls to be due: that is the schedule's, whatever the tracer does.
 */
export function nsPerCall({ section, spec: { workload } }: CompletedTrial): number | null {
  if (!section || section.calls === 0) return null;
  const threads = workload.kind === 'stamped' ? workload.threads : 1;
  const workingNs = section.durationNs - section.waitedNs / threads;
  return workingNs > 0 ? workingNs / section.calls : null;
}

/**
 * The way there and back between the CPUs that a cell's workload and collector use, ns; null where that was not calibrated, and
 * where the kernel chose the CPUs.
 */
export function pipeRoundTripNs(calibration: Calibration, terms: Cell['terms']): number | null {
  if (terms.placement === 'free') return null;
  if (terms.placement === 'same') return calibration.pipeRoundTripSameCpuNs;
  return terms.idle === 'busy' ? calibration.pipeRoundTripCrossCpuBusyNs : calibration.pipeRoundTripCrossCpuNs;
}

type Accounting = CompletedTrial['accounting'];

/** What was issued is not what came and what was admitted as lost. Where nothing is delivered there is nothing to balance. */
export function isUnbalanced(accounting: Accounting): accounting is Exclude<Accounting, { delivers: 'nothing' }> {
  return accounting.delivers !== 'nothing' && accounting.verdict !== 'reconciled';
}

/** What the study compares: the section, or the whole run of a command. null for a failed trial. */
export function measuredNs(result: TrialResult): number | null {
  if (result.status === 'failed') return null;
  return result.section?.durationNs ?? result.run.durationNs;
}
