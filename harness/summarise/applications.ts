/** What is said of applications besides: their own figures, and how many calls a run of one makes. */
import type { Cell, JointResult, WorkloadSpec } from '../result.ts';
import { median } from '../statistics/describe.ts';
import { orderInterval, ratioInterval } from '../statistics/order-interval.ts';
import { type CellTrials, inOrder, pairByRound, values } from './rounds.ts';

export function figureOfMerit(own: CellTrials, baseline: CellTrials | null): Cell['figureOfMerit'] {
  const first = inOrder(own).find((trial) => trial.figureOfMerit !== undefined)?.figureOfMerit;
  if (first === undefined) return null;
  const { unit, better } = first;
  const pairs = baseline ? pairByRound(own, baseline, (trial) => trial.figureOfMerit?.value ?? null) : [];
  return {
    unit,
    better,
    value: orderInterval(values(own, (trial) => trial.figureOfMerit?.value ?? null)),
    ratio: pairs.length > 0 ? ratioInterval(pairs) : null,
  };
}

/** null where the work is not given: such a run issues as many calls as it comes to. */
export function issuedIn(joint: readonly JointResult[], workload: WorkloadSpec): Cell['issuedInJointTrials'] {
  if (workload.kind === 'stamped' || workload.catalogued?.fixedWork === false) return null;
  const key = JSON.stringify(workload);
  const counts = joint.flatMap((one) =>
    one.status === 'completed' && JSON.stringify(one.spec.workload) === key ? [one.issued] : [],
  );
  if (counts.length === 0) return null;
  const calls = Math.round(median(counts));
  return { calls, spread: Math.max(...counts.map((n) => Math.abs(n - calls))), trials: counts.length };
}
