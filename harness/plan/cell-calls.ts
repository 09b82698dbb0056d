/**
 * How many calls a trial of a cell makes, and how long that will take: a dropping backend must be stressed, a blocking
 * one must last, an open loop makes what is due.
 */
import type { BufferTerms } from '../backend.ts';
import { formatDuration } from '../notation.ts';
import type { WorkloadSpec } from '../result.ts';
import { reachableBytes, STRESS_FACTOR } from './buffer.ts';
import type { AskedWorkload, Budget, CellRequest, Contestant, StampedWorkload } from './cell-request.ts';
import { addedBy, addedNs, iterationCost, RECORD_BYTES } from './costs.ts';
import { type Pace, paceLabel } from './pace.ts';

/** Above the factor itself: records may turn out smaller than RECORD_BYTES, and START's and END's share is lost. */
const STRESS_MARGIN = 1.05;
/** A blocking backend's section lasts at least 200 ms; the quarter above is for costs that were guessed too high. */
const BLOCKING_SECTION_MS = 250;

/** However small the buffer: a section as short as a few looks of the collector measures when it happened to look. */
const SHORTEST_SECTION_MS = 10;
/** Backends that lose nothing by a full buffer (counters, the baseline) make as many calls as those that do. */
const UNBUFFERED: BufferTerms = { bytesPerCall: RECORD_BYTES, perCpu: true, granularity: 'call' };

/** null for a command. */
export function predictedMs({ entry, about }: AskedWorkload, workload: WorkloadSpec, added: number): number | null {
  if (about !== null) return about.ms + (about.calls * added) / 1e6;
  if (workload.kind !== 'stamped' || entry === null) return null;
  const { calls, threads, pace } = workload;
  const workingMs = (calls * callNs(entry, threads, added)) / 1e6;
  return pace === undefined ? workingMs : Math.max(workingMs, (calls * 1000) / pace.ratePerS);
}

/** ns of a stamped call on the wall: threads make theirs side by side, at best. */
function callNs(entry: StampedWorkload, threads: number, added: number): number {
  const { bareNs, tracedCalls } = iterationCost(entry.name, entry.callsPerIteration);
  return (bareNs + tracedCalls * added) / entry.callsPerIteration / threads;
}

/**
 * As many as are due in a section, whole bursts. A backend that cannot keep up by far makes the section longer than
 * that; beyond so many times, fewer calls tell the same.
 */
const LONGEST_OVERRUN = 4;

export function pacedCalls(
  request: CellRequest,
  threads: number,
  entry: StampedWorkload,
  pace: Pace,
  { id, variant }: Contestant,
  notes: Set<string>,
): number {
  const unit = Math.max(pace.burstCalls, entry.callsPerIteration);
  const due = Math.ceil((pace.ratePerS * request.pacedSectionMs) / 1000 / unit) * unit;
  const workingMs = (due * callNs(entry, threads, addedBy(variant))) / 1e6;
  const longestMs = LONGEST_OVERRUN * request.pacedSectionMs;
  if (workingMs <= longestMs) return due;
  const calls = Math.max(1, Math.floor((due * longestMs) / workingMs / unit)) * unit;
  notes.add(
    `${entry.name} at ${paceLabel(pace)}/${id}: cannot keep up, so ${calls} calls instead of ${due}, which would take about ${formatDuration(workingMs)} a trial`,
  );
  return calls;
}

/** `passing`: share of the calls that a blocking backend stops the workload for. */
export function callsFor(
  request: CellRequest,
  threads: number,
  entry: StampedWorkload,
  { variant, id }: Contestant,
  budget: Budget,
  notes: Set<string>,
  passing: number,
): number {
  const { capabilities } = variant;
  if (capabilities.regime === 'blocks') {
    const ns = callNs(entry, threads, addedBy(variant) * passing);
    return wholeIterations((Math.min(BLOCKING_SECTION_MS, request.sectionCapMs) * 1e6) / ns, entry);
  }
  const stressing = STRESS_FACTOR * inFlightOf(request, threads, entry, variant.buffer, budget.bytes);
  const dearest =
    capabilities.events === 'function'
      ? addedBy(variant)
      : addedNs({ delivers: 'records', detail: 'full', regime: 'drops' });
  const within = (ms: number): number => (ms * 1e6) / callNs(entry, threads, dearest);
  const affordable = within(request.sectionCapMs);
  const least = within(Math.min(SHORTEST_SECTION_MS, request.sectionCapMs));
  const wanted = Math.max(stressing * STRESS_MARGIN, least);
  if (stressing > affordable) {
    if (capabilities.regime === 'drops') {
      const which = budget.inFlight === null ? id : `${id} @${budget.inFlight} calls`;
      const wouldTakeMs = (stressing * callNs(entry, threads, dearest)) / 1e6;
      notes.add(
        `${entry.name}/${which}: ${STRESS_FACTOR} × the buffer would take about ${formatDuration(wouldTakeMs)} a trial; ` +
          `cut to ${formatDuration(request.cutSectionMs)}, so the buffer is not stressed`,
      );
    }
    return wholeIterations(within(Math.min(request.cutSectionMs, request.sectionCapMs)), entry);
  }
  // Numbers are shared where at most twice the calls do it: each number of its own costs a baseline of its own.
  const common = STRESS_FACTOR * STRESS_MARGIN * inFlightOf(request, threads, entry, null, request.bufferBytes);
  const shared = common * 2 ** Math.ceil(Math.log2(wanted / common));
  return wholeIterations(shared <= affordable ? shared : Math.min(wanted, affordable), entry);
}

/** Stamped calls that the buffer within reach of the workload holds. */
function inFlightOf(
  { machine }: CellRequest,
  threads: number,
  entry: StampedWorkload,
  declared: BufferTerms | null,
  bytes: number,
): number {
  const buffer = declared ?? UNBUFFERED;
  const { tracedCalls } = iterationCost(entry.name, entry.callsPerIteration);
  const reachable = threads === 1 ? reachableBytes(buffer, bytes, machine) : bytes;
  return (reachable / buffer.bytesPerCall / tracedCalls) * entry.callsPerIteration;
}

/** Two digits are enough for a number that was guessed, and readable in a cell's name. */
function wholeIterations(calls: number, entry: StampedWorkload): number {
  const iterations = Math.max(1, Math.ceil(calls / entry.callsPerIteration));
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(iterations)) - 1);
  return Math.ceil(iterations / unit) * unit * entry.callsPerIteration;
}
