/** One cell: its workload with its number of calls, and the terms of its trials. */
import type { Wakeup } from '../backend.ts';
import type { Plan, Starvation, WorkloadSpec } from '../result.ts';
import { callsFor, pacedCalls, predictedMs } from './cell-calls.ts';
import type { AskedWorkload, Budget, CellRequest, Contestant } from './cell-request.ts';
import { addedBy } from './costs.ts';
import { paceText } from './pace.ts';
import type { Place } from './place.ts';
import { starvedTrial } from './starvation.ts';

/** However short its section is predicted to be. */
export const DEADLINE_FLOOR_MS = 30_000;

type PlanCell = Plan['cells'][number];

export interface ExpandedCell {
  readonly cell: PlanCell;
  /** Predicted length of the section; null for a command. */
  readonly sectionMs: number | null;
}

export function makeCell(
  request: CellRequest,
  asked: AskedWorkload,
  { id, variant }: Contestant,
  workload: WorkloadSpec,
  place: Place,
  head: {
    cellId: string;
    baselineCellId: string | null;
    budget: Budget;
    wakeup: Wakeup;
    starvation: Starvation | null;
    auditContext: 'absent' | 'present';
  },
): ExpandedCell {
  const { starvation } = head;
  const match = workload.kind === 'stamped' ? workload.match : undefined;
  const filter = filterOf(request, asked);
  const fedMs = predictedMs(asked, workload, addedBy(variant) * passing(match, filter, { variant }));
  const sectionMs = fedMs === null ? null : fedMs * timesLonger(variant.capabilities, starvation);
  const cell: PlanCell = {
    cellId: head.cellId,
    baselineCellId: head.baselineCellId,
    trial: {
      cellId: head.cellId,
      workload,
      variant: id,
      bufferBytes: head.budget.bytes,
      inFlight: head.budget.inFlight,
      filter,
      wakeup: head.wakeup,
      ...(request.detail === undefined || variant.capabilities.delivers === 'nothing'
        ? {}
        : { detail: request.detail }),
      placement: place.placement,
      workloadCpus: place.workloadCpus,
      collectorCpus: place.collectorCpus,
      idle: request.idle,
      auditContext: head.auditContext,
      user: request.user,
      consumer: 'ledger',
      ...starvedTrial(starvation, workload.kind === 'stamped' ? workload.calls : 0),
      deadlineMs: DEADLINE_FLOOR_MS, // replaced once the longest cell is known
    },
  };
  return { cell, sectionMs };
}

/** A workload that waits for its collector waits for its CPU time, too. */
function timesLonger({ regime }: Contestant['variant']['capabilities'], starvation: Starvation | null): number {
  return regime === 'blocks' && starvation?.kind === 'quota' ? 1 / starvation.share : 1;
}

function filterOf(request: CellRequest, { filter }: AskedWorkload): string[] | null {
  const own = filter ?? request.filter;
  return own === null ? null : [...own];
}

export function workloadSpec(
  request: CellRequest,
  asked: AskedWorkload,
  contestant: Contestant,
  budget: Budget,
  notes: Set<string>,
): WorkloadSpec {
  const { spec, entry } = asked;
  if (spec.kind === 'application') return spec;
  if (entry === null) throw new TypeError(`workload ${spec.name} has no entry in the catalogue`);
  const { name, threads, pace, match } = spec;
  const filter = filterOf(request, asked);
  const calls =
    request.calls ??
    (pace === null
      ? callsFor(request, threads, entry, contestant, budget, notes, passing(match, filter, contestant))
      : pacedCalls(request, threads, entry, pace, contestant, notes));
  return {
    kind: 'stamped',
    name,
    calls,
    threads,
    seed: request.seed,
    ...(match === undefined ? {} : { match }),
    ...(pace === null ? {} : { pace }),
  };
}

export function needsAuditContext(request: CellRequest, { backend, variant }: Contestant): boolean {
  const options = { bufferBytes: request.bufferBytes, filter: request.filterNumbers, wakeup: variant.wakeup };
  return backend.launchNeeds?.(variant, options).auditContext ?? false;
}

/** Share of the calls that a variant has work with: what its filter keeps back in the kernel costs next to nothing. */
function passing(
  match: number | undefined,
  filter: readonly string[] | null,
  { variant }: Pick<Contestant, 'variant'>,
): number {
  return match === undefined || filter === null || variant.capabilities.filter !== 'kernel' ? 1 : match / 100;
}

/** First half of a cell's id: workload and calls, or the command's name. */
export function slug(workload: WorkloadSpec): string {
  if (workload.kind === 'application') return workload.name.split(' ')[0] ?? workload.name;
  const paced = workload.pace === undefined ? '' : `@${paceText(workload.pace).replace('/', 'x')}`;
  const share = workload.match === undefined ? '' : `:${workload.match}`;
  return `${workload.name}${share}${workload.threads > 1 ? `:${workload.threads}` : ''}/${workload.calls}${paced}`;
}
