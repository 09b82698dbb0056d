/**
 * What a variant delivers and what a workload makes: system calls, or calls of a function of the program's own. The two never
 * meet, because neither says anything of the other.
 */
import { workloads } from '../../workloads/index.ts';
import type { Capabilities, FunctionOfProgram } from '../backend.ts';
import { usageError } from '../errors.ts';
import type { WorkloadSpec } from '../result.ts';

/** Absent: system calls. */
export type Events = Capabilities['events'];

const [functionWorkload] = workloads.flatMap((workload) =>
  workload.function === undefined ? [] : [{ ...workload.function, name: workload.name, program: workload.program }],
);

/** The function that the variants of such a kind trace here; undefined for a program that has none. */
export function functionOf(program: string | undefined): FunctionOfProgram | undefined {
  return functionWorkload?.program === program ? functionWorkload : undefined;
}

/** What a probe tries its variant on, whatever will be traced. */
export function anyFunction(events: Events): FunctionOfProgram | undefined {
  return events === 'function' ? functionWorkload : undefined;
}

/** Else there is nothing that the reference could see. */
export function makesSystemCalls({ kind, name }: WorkloadSpec): boolean {
  return kind === 'application' || name !== functionWorkload?.name;
}

/** Why a variant is not for a workload; null: it is. */
export function whyNotEvents(delivered: Events, made: Events): string | null {
  if (delivered === made) return null;
  return delivered === 'function'
    ? `it traces a function, and no system calls; its workload is ${functionWorkload?.name}`
    : 'it traces system calls, and that workload makes none';
}

/** Throws a usage error for a variant that traces functions on a program of which it knows none. */
export function checkEvents(id: string, { events }: Capabilities, program: string | undefined): void {
  if (events !== 'function' || functionOf(program) !== undefined) return;
  throw usageError(
    `${id} traces calls of a function, and knows none of ${program}`,
    `./tracebench run --backends ${id} --workloads ${functionWorkload?.name}`,
  );
}
