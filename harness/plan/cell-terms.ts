/**
 * Which cells a variant has on a workload: none, or one for each buffer, wake-up and starvation that was asked for and means
 * something to it.
 */
import type { Wakeup } from '../backend.ts';
import type { Starvation, WorkloadSpec } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import { bytesForCalls } from './buffer.ts';
import type { AskedWorkload, Budget, CellRequest, Contestant } from './cell-request.ts';
import { whyNotEvents } from './events.ts';
import { cannotStarve } from './starvation.ts';
import { keepsOwnWakeup } from './wakeup.ts';

/** Why a variant has no cell on a workload; null: it has one. */
export function whyNotOn(
  { filter, user }: CellRequest,
  asked: AskedWorkload,
  { variant: { tool, capabilities } }: Contestant,
): string | null {
  const { events } = capabilities;
  const { spec, entry } = asked;
  const made = entry?.function === undefined ? undefined : 'function';
  const unlike = whyNotEvents(events, made);
  if (unlike !== null) return unlike;
  if (events === 'function' && filter !== null) return 'a filter of system calls (-e) says nothing of a function';
  if (tool === undefined) return null;
  if (filter !== null || asked.filter !== undefined) return 'it takes no filter (-e)';
  if (tool.launches && user !== null) return 'it starts its target itself, and not as another user';
  if (spec.kind === 'application') return tool.applications ? null : 'it is for stamped workloads';
  if (tool.workloads.includes(spec.name)) return null;
  return `its output does not show that workload's truth; that of ${tool.workloads.join(', ')} it does`;
}

/** A whole tool has CPU time of its own, which the bill of the trial process would not know. */
export function isBilled({ variants, baseline, cpuBill }: CellRequest, id: string): boolean {
  const contestant = [baseline, ...variants].find((known) => known.id === id);
  if (cpuBill === null || contestant === undefined || contestant.variant.tool !== undefined) return false;
  return cpuBill === 'asked' || contestant.variant.name === '';
}

/** Equal bytes for all; where something is buffered and it was asked for, equal calls as well. */
export function budgetsOf(request: CellRequest, { spec }: AskedWorkload, { variant }: Contestant): Budget[] {
  const inFlight = spec.kind === 'stamped' ? request.inFlight : request.applicationsInFlight;
  const inBytes = { bytes: request.bufferBytes, inFlight: null };
  if (variant.buffer === null || inFlight === null) return [inBytes];
  return [inBytes, { bytes: bytesForCalls(variant.buffer, inFlight, request.machine), inFlight }];
}

/** The policies that a variant's cells run with; its own where nothing else means anything to it. */
export function wakeupsOf(
  { wakeups, cannotWake }: CellRequest,
  { id, variant }: Contestant,
): { policy: Wakeup; isOneOfSeveral: boolean }[] {
  if (wakeups.length === 0 || keepsOwnWakeup(variant) !== null)
    return [{ policy: variant.wakeup, isOneOfSeveral: false }];
  const cannot = cannotWake.get(id) ?? [];
  return wakeups
    .filter((policy) => !cannot.includes(wakeupText(policy)))
    .map((policy) => ({ policy, isOneOfSeveral: wakeups.length > 1 }));
}

/** null, the collector let work, comes first: what the others are held against. */
export function starvationsOf(
  { starvations }: CellRequest,
  { id, variant }: Contestant,
  workload: WorkloadSpec,
  notes: Set<string>,
): (Starvation | null)[] {
  const why = workload.kind === 'application' ? 'an application has no section' : cannotStarve(variant);
  if (starvations.length > 0 && why !== null)
    notes.add(`no cell of ${id} on ${workload.name} with a starved collector: ${why}`);
  return why === null ? [null, ...starvations] : [null];
}

/** What was asked for and means nothing to some of those it was asked of. */
export function notesOnTerms({
  variants,
  baseline,
  inFlight,
  wakeups,
  starvations,
  cannotWake,
}: CellRequest): string[] {
  const notes: string[] = [];
  const traced = variants.filter(({ id }) => id !== baseline.id);
  for (const { id, variant } of wakeups.length === 0 ? [] : traced) {
    const why = keepsOwnWakeup(variant);
    if (why !== null) notes.push(`${id} keeps its own wake-up: ${why}`);
    const cannot = cannotWake.get(id) ?? [];
    if (cannot.length > 0) notes.push(`${id} has no cell with wake-up ${cannot.join(', ')}: it cannot be woken so`);
  }
  if (starvations.length > 0 && traced.length === 0) notes.push('no starved cell: nothing here collects');
  if (inFlight !== null && traced.every(({ variant }) => variant.buffer === null)) {
    notes.push(`no cell of ${inFlight} calls in flight: nothing here has a buffer`);
  }
  return notes;
}
