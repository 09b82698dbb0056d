/** On which CPUs a cell's workload and its collector run. */
import type { Placement } from '../backend.ts';
import type { Machine } from '../machine/machine.ts';
import type { WorkloadSpec } from '../result.ts';
import type { CellRequest, Contestant } from './cell-request.ts';

export interface Place {
  readonly placement: Placement;
  readonly workloadCpus: number[] | null;
  readonly collectorCpus: number[] | null;
}

/** CPUs are taken from the top: interrupts are usually served at the bottom. */
export function placementOf(
  request: CellRequest,
  { variant, id }: Contestant,
  workload: WorkloadSpec,
  notes: Set<string>,
): Place {
  const { cpus } = request.machine;
  const threads = workload.kind === 'stamped' ? workload.threads : cpus.length;
  // A command, and threads that cannot all run beside the collector, run as they would without us, unless the user
  // says otherwise.
  const crowded = workload.kind === 'application' || (threads > 1 && threads >= cpus.length);
  const asked = request.placement ?? (crowded ? 'free' : variant.placement);
  if (asked === 'free') return { placement: 'free', workloadCpus: null, collectorCpus: null };
  if (asked === 'other' && cpus.length > 1) {
    const own = cpus.slice(Math.max(1, cpus.length - threads));
    const rest = cpus.slice(0, cpus.length - own.length);
    return { placement: 'other', workloadCpus: own, collectorCpus: rest.slice(-1) };
  }
  if (asked === 'other')
    notes.add(`${id}: collector and workload share the only CPU (placement same instead of other)`);
  const own = cpus.slice(Math.max(0, cpus.length - threads));
  return { placement: 'same', workloadCpus: own, collectorCpus: own };
}

/** The baseline's workload runs where the traced one does; the trial process keeps out of its way. */
export function baselinePlace({ cpus }: Machine, { workloadCpus }: Place): Place {
  if (workloadCpus === null) return { placement: 'free', workloadCpus: null, collectorCpus: null };
  const rest = cpus.filter((cpu) => !workloadCpus.includes(cpu));
  return rest.length > 0
    ? { placement: 'other', workloadCpus, collectorCpus: rest.slice(-1) }
    : { placement: 'same', workloadCpus, collectorCpus: workloadCpus };
}

/** Where it runs alone, as far as the CPUs that the first left the workload allow. */
export function secondPlace(request: CellRequest, { workloadCpus }: Place, { variant }: Contestant): number[] | null {
  const wanted = request.placement ?? variant.placement;
  if (workloadCpus === null || wanted === 'free') return null;
  const rest = request.machine.cpus.filter((cpu) => !workloadCpus.includes(cpu));
  return wanted === 'same' || rest.length === 0 ? workloadCpus : rest.slice(-1);
}
