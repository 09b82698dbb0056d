/** When two cells are of the same work, and when they are the same but for its length. */
import { paceText } from '../plan/pace.ts';
import type { Plan, WorkloadSpec } from '../result.ts';

type PlanCell = Plan['cells'][number];

/** What two backends must have in common to be compared, besides their budget: the same work per call. */
export function workloadKey(workload: WorkloadSpec): string {
  return workload.kind === 'stamped'
    ? `${workload.name} ${workload.match ?? ''} ${workload.threads} ${workload.pace ? paceText(workload.pace) : ''}`
    : JSON.stringify([workload.name, ...workload.argv]);
}

/** True for two cells that differ in nothing but the number of calls; for baselines, in nothing the target can see. */
export function sameButCalls(a: PlanCell, b: PlanCell): boolean {
  const key = ({ trial, baselineCellId }: PlanCell): string => {
    const { workload, variant, workloadCpus, auditContext, user, filter } = trial;
    const work = workload.kind === 'stamped' ? { ...workload, calls: 0 } : workload;
    const target = { work, variant, workloadCpus, auditContext, user };
    if (baselineCellId === null) return JSON.stringify({ target });
    const { bufferBytes, inFlight, wakeup, placement, collectorCpus, consumer, alongside, stallMs, cpuQuota } = trial;
    const collector = {
      filter,
      bufferBytes,
      inFlight,
      wakeup,
      placement,
      collectorCpus,
      consumer,
      alongside,
      stallMs,
      cpuQuota,
    };
    return JSON.stringify({ target, collector });
  };
  return a !== b && key(a) === key(b);
}
