/** The command line of a workload as a plan names it. */
import { findWorkload } from '../workloads/index.ts';
import { usageError } from './errors.ts';
import type { WorkloadSpec } from './result.ts';

/** `warmup`: calls before START, where they must be known. Throws a usage error for a name that the catalogue does not have. */
export function argvOf(workload: WorkloadSpec, warmup?: number): readonly string[] {
  if (workload.kind === 'application') return workload.argv;
  const entry = findWorkload(workload.name);
  if (entry === undefined) throw usageError(`no workload is called '${workload.name}'`, './tracebench list');
  const { calls, seed, threads } = workload;
  return entry.argv({ calls, seed, threads, ...(warmup === undefined ? {} : { warmup }) });
}
