/** Words for the cells of a study, for all reports alike; how figures are written: harness/notation.ts. */
import { count, formatBytes, NOTHING, percent, range, rate, time } from '../harness/notation.ts';
import type { Cell, WorkloadSpec } from '../harness/result.ts';
import { starvationText, workloadName } from '../harness/result-words.ts';

/** `10.0 k/s`, or `1,000 per 10.0 ms` where calls come in bursts; empty in a closed loop. */
export function pace(spec: WorkloadSpec): string {
  if (spec.kind !== 'stamped' || !spec.pace) return '';
  const { ratePerS, burstCalls } = spec.pace;
  return burstCalls === 1 ? rate(ratePerS) : `${count(burstCalls)} per ${time((burstCalls * 1e9) / ratePerS)}`;
}

/** The workload with its pace. */
export function workload(spec: WorkloadSpec): string {
  return [workloadName(spec), pace(spec)].join(' ').trimEnd();
}

/** Delivered share; for an application, which issues no known number, the loss that the mechanism admits. */
export function delivered(cell: Cell): string {
  if (cell.terms.delivers === 'nothing') return NOTHING;
  if (cell.deliveredFraction !== null) return percent(cell.deliveredFraction);
  return cell.reportedLossCalls ? `lost ${range(cell.reportedLossCalls)}` : NOTHING;
}

/** Trials whose accounting balanced, of those that have books at all. A timed application has no truth to balance. */
export function books(cell: Cell): string {
  if (cell.terms.delivers === 'nothing' || cell.trials.completed === 0) return NOTHING;
  const { reconciled, completed } = cell.trials;
  if (cell.workload.kind === 'application' && reconciled === completed) return NOTHING;
  return `${reconciled}/${completed} ${reconciled === completed ? 'ok' : 'OFF'}`;
}

/** The words of --wakeup, with the unit of the number. */
export function wakeup(w: Cell['terms']['wakeup']): string {
  return 'value' in w ? `${w.kind}:${w.value} ${w.kind === 'timer' ? 'µs' : 'B'}` : w.kind;
}

/** What was asked for: bytes, or calls in flight. */
export function asked({ askedCallsInFlight, askedBufferBytes }: Cell['terms']): string {
  return askedCallsInFlight === null ? formatBytes(askedBufferBytes) : `${count(askedCallsInFlight)} calls`;
}

export function cpus(list: readonly number[] | null): string {
  return list === null ? 'any' : list.join(',');
}

/** Rows of one regime belong together: what drops and what blocks is never ranked in one list. */
export const REGIMES = [
  { regime: 'drops', title: 'Backends that drop records when they fall behind' },
  { regime: 'blocks', title: 'Backends that make the workload wait' },
  { regime: 'neither', title: 'Backends that do neither' },
] as const;

/** Traced cells of one regime, in the plan's order; those with a starved collector have a table of their own. */
export function cellsOf(cells: readonly Cell[], regime: Cell['terms']['regime']): Cell[] {
  return cells.filter(
    (c) => c.baselineCellId !== null && c.terms.regime === regime && c.terms.starvation === undefined,
  );
}

export function baselines(cells: readonly Cell[]): Cell[] {
  return cells.filter((c) => c.baselineCellId === null);
}

/** What a cell's records carried. */
export function detailOf({ detail, paths }: Cell['terms']): string {
  return paths === true ? `${detail} + paths` : `${detail}`;
}

/** The terms of a cell on one line. */
export function terms(cell: Cell): string {
  const t = cell.terms;
  const said = [
    t.delivers === 'records' ? `${detailOf(t)} records` : t.delivers === 'counts' ? 'counts' : 'untraced',
    t.filter ? `only ${t.filter.join(',')}` : 'all calls',
  ];
  if (t.delivers !== 'nothing') {
    const g = t.geometry;
    if (g && g.callsInFlight > 0) {
      const reached = `${formatBytes(g.reachableBytesPerCpu)} within reach of one CPU`;
      const calls = `${count(g.bytesPerCall)} B a call = ${count(g.callsInFlight)} calls in flight`;
      said.push(`buffer asked ${asked(t)}, had ${formatBytes(g.bufferBytes)}, ${reached} at ${calls}`);
    } else said.push('no buffer');
    said.push(`wake-up ${wakeup(t.wakeup)}`);
  }
  said.push(`placement ${t.placement} (workload on ${cpus(t.workloadCpus)}, collector on ${cpus(t.collectorCpus)})`);
  if (t.starvation !== undefined) said.push(`collector starved by ${starvationText(t.starvation)}`);
  said.push(`idle ${t.idle}`, `audit context ${t.auditContext}`);
  return said.join(', ');
}

/** In what two cells differ that makes their times unequal terms; empty when in nothing that is known. */
export function unequal(left: Cell | undefined, right: Cell | undefined): string {
  if (!left || !right) return '';
  const pairs = [
    [left.terms.regime, right.terms.regime],
    [detailOf(left.terms), detailOf(right.terms)],
    [left.terms.placement, right.terms.placement],
  ];
  return pairs
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => `${a} / ${b}`)
    .join(', ');
}
