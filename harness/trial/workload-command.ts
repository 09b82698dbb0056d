/** The command line of a workload as a plan names it. */
import { findWorkload } from '../../workloads/index.ts';
import { usageError } from '../errors.ts';
import type { WorkloadSpec } from '../result.ts';

/**
 * Of what runs by itself; `warmup`: calls before START, where they must be known. Throws a usage error for a name that the
 * catalogue does not have, TypeError for one of its applications: those need their directory, and perhaps a load
 * (applications/stage.ts).
 */
export function argvOf(workload: WorkloadSpec, warmup?: number): readonly string[] {
  if (workload.kind === 'application') {
    if (workload.catalogued === undefined) return workload.argv;
    throw new TypeError(`application ${workload.name} does not run by its command alone`);
  }
  const entry = findWorkload(workload.name);
  if (entry === undefined) throw usageError(`no workload is called '${workload.name}'`, './tracebench list');
  const { calls, seed, threads, pace, match } = workload;
  return entry.argv({ calls, seed, threads, pace, match, ...(warmup === undefined ? {} : { warmup }) });
}
