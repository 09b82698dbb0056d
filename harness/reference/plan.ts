/** Which joint trials a study makes: every workload of it under every recording or counting variant, once. */
import { iterationCost } from '../plan/costs.ts';
import { makesSystemCalls } from '../plan/events.ts';
import type { JointSpec, Plan, WorkloadSpec } from '../result.ts';

/** Enough for every kind of call and every thread of a workload; the timed trials make millions. */
const CALLS = 5000;
/** Bare time that no workload need exceed: processes are started a thousand times, not five thousand. */
const BARE_MS = 150;
/** Of each collector: 96 MiB. An application with more calls is compared that far. */
const MOST_RECORDS = 1_000_000;
const SHOWN = 10;
/** Joint trials of an application. */
const LEAST_COUNTS = 3;
/** Untimed, so that nothing need be lost: the comparison is of what came. */
const BUFFER_BYTES = 64 << 20;

export interface JointRoles {
  readonly reference: string;
  readonly counter: string;
  /** Variants that deliver anything to us, by id. */
  readonly delivering: (id: string) => boolean;
}

/** None when reference or counter cannot run here (`usable` says what can), or when the study traces nothing. */
export function jointSpecs(plan: Plan, usable: ReadonlySet<string>, roles: JointRoles): JointSpec[] {
  const { reference, counter } = roles;
  if (!usable.has(reference) || !usable.has(counter) || !plan.backends.some(roles.delivering)) return [];
  const variants = plan.backends.filter((id) => id !== reference && id !== counter && roles.delivering(id));
  const deadlineMs = Math.max(...plan.cells.map((cell) => cell.trial.deadlineMs));
  return workloadsOf(plan)
    .filter(makesSystemCalls)
    .flatMap((workload) =>
      countedOften(workload, variants, counter).map((variant) => ({
        workload,
        reference,
        counter,
        variant,
        bufferBytes: BUFFER_BYTES,
        filter: plan.filter,
        user: plan.user,
        deadlineMs,
        mostRecords: MOST_RECORDS,
        shown: SHOWN,
      })),
    );
}

/** How many calls an application makes is known from here alone: so often at least, for the spread; by the counter where nothing else is asked. */
function countedOften(workload: WorkloadSpec, variants: readonly string[], counter: string): string[] {
  const given = workload.kind === 'application' && workload.catalogued?.fixedWork !== false;
  const fewer = Math.max(0, (given ? LEAST_COUNTS : 1) - variants.length);
  return workload.kind === 'stamped' ? [...variants] : [...variants, ...new Array<string>(fewer).fill(counter)];
}

/** Each once, whatever numbers of calls its cells make, and at full speed: what is compared does not depend on when. */
function workloadsOf(plan: Plan): WorkloadSpec[] {
  const found = new Map<string, WorkloadSpec>();
  for (const workload of plan.workloads) {
    const short = workload.kind === 'stamped' ? shortened(workload) : workload;
    const key = workload.kind === 'stamped' ? `${workload.name}:${workload.threads}` : JSON.stringify(workload.argv);
    if (!found.has(key)) found.set(key, short);
  }
  return [...found.values()];
}

function shortened({ pace, ...workload }: WorkloadSpec & { kind: 'stamped' }): WorkloadSpec {
  const calls = fewCalls(workload.name);
  return { ...workload, calls: pace ? calls : Math.min(workload.calls, calls) };
}

function fewCalls(workload: string): number {
  return Math.min(CALLS, Math.floor((BARE_MS * 1e6) / iterationCost(workload, 1).bareNs));
}
