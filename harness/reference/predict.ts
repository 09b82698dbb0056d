/** How long the reference check of a study takes, roughly (plan/costs.ts); no figure of it reaches a result. */
import type { PlanContext } from '../plan/context.ts';
import { addedBy, iterationCost, JOINT_COMPARE_NS, JOINT_START_MS } from '../plan/costs.ts';
import { definitionOf } from '../plan/variants.ts';
import type { JointSpec, WorkloadSpec } from '../result.ts';

/** null with a command: nobody knows how long one runs. */
export function predictedJointMs(specs: readonly JointSpec[], context: PlanContext): number | null {
  return specs.reduce<number | null>((sum, spec) => {
    const ms = trialMs(spec, context);
    return sum === null || ms === null ? null : sum + ms;
  }, 0);
}

function trialMs(spec: JointSpec, context: PlanContext): number | null {
  const bare = bareRun(spec.workload, context);
  if (bare === null) return null;
  const collectors = [...new Set([spec.counter, spec.reference, spec.variant])].map(
    (id) => definitionOf(id, context.backends).variant,
  );
  const perCallNs = collectors.reduce((sum, variant) => sum + addedBy(variant), JOINT_COMPARE_NS);
  const detachMs = collectors.reduce((sum, { aboutDetachMs = 0 }) => sum + aboutDetachMs, 0);
  return JOINT_START_MS + bare.ms + (bare.calls * perCallNs) / 1e6 + detachMs;
}

/** Of the whole process, and the calls that a tracer sees. */
function bareRun(workload: WorkloadSpec, context: PlanContext): { ms: number; calls: number } | null {
  const { name } = workload;
  if (workload.kind === 'application') return context.applications.find((entry) => entry.name === name)?.about ?? null;
  const { callsPerIteration = 1 } = context.workloads.find((entry) => entry.name === name) ?? {};
  const { bareNs, tracedCalls } = iterationCost(name, callsPerIteration);
  const iterations = workload.calls / callsPerIteration;
  return { ms: (iterations * bareNs) / 1e6, calls: iterations * tracedCalls };
}
