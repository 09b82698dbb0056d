/** The latency-against-load table: how soon records are to be had at each offered rate, and what that takes. */
import { NOTHING, percent, rate, time } from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { pipeRoundTripNs } from '../harness/result-figures.ts';
import { backendLabel, workloadName } from '../harness/result-words.ts';
import { type Column, columns } from './columns.ts';
import { delivered } from './format.ts';

export interface OpenLoopTable {
  readonly made: 'enter' | 'exit';
  /** Of the rows that follow it; by workload and backend, then by offered rate. */
  readonly rows: readonly (readonly string[])[];
}

export const OPEN_LOOP_TITLE = 'Latency against load (open loop)';
export const OPEN_LOOP_TEXT =
  'Each call is made when it is due, whatever became of those before it. Latency: from the stamp to when the collector ' +
  'could read the record, over all rounds; from due: from when the call was due. × pipe: the median in round trips of a ' +
  'pipe between CPUs placed alike, the form that carries to other hardware. Collector: its CPU time as a share of one CPU.';

/** `left:` or `right:` before each head. */
export const OPEN_LOOP_COLUMNS: readonly Column[] = columns(
  'left:workload',
  'left:backend',
  'right:offered',
  'right:achieved',
  'right:delivered',
  'right:p50',
  'right:p99',
  'right:p99.9',
  'right:max',
  'right:p99\nfrom due',
  'right:× pipe',
  'right:collector',
);

/** None where the study has no open loop. Records made at the entry and at the exit are never in one table. */
export function openLoopTables(study: Study): OpenLoopTable[] {
  const cells = study.cells.filter(
    (cell) => cell.openLoop !== null && cell.latency !== null && cell.terms.starvation === undefined,
  );
  return (['exit', 'enter'] as const).flatMap((made) => {
    const rows = cells
      .filter((cell) => cell.latency?.made === made)
      .sort(byCurve)
      .map((cell) => row(study, cell));
    return rows.length > 0 ? [{ made, rows }] : [];
  });
}

function row(study: Study, cell: Cell): string[] {
  const { latency, openLoop, workload } = cell;
  const pace = workload.kind === 'stamped' ? workload.pace : undefined;
  const offered = rate(pace?.ratePerS ?? null);
  const pipeNs = pipeRoundTripNs(study.calibration.before, cell.terms);
  return [
    workloadName(workload),
    backendLabel(cell),
    pace && pace.burstCalls > 1 ? `${offered}\nin ${pace.burstCalls}s` : offered,
    rate(openLoop?.achievedPerS.estimate ?? null),
    delivered(cell),
    ...[latency?.p50Ns, latency?.p99Ns, latency?.p999Ns, latency?.maxNs].map((ns) => time(ns ?? null)),
    time(openLoop?.latencyFromDue?.p99Ns ?? null),
    pipeNs !== null && latency ? (latency.p50Ns / pipeNs).toPrecision(3) : NOTHING,
    percent(openLoop?.collectorCpuFraction?.estimate ?? null),
  ];
}

function byCurve(a: Cell, b: Cell): number {
  const curve = (cell: Cell): string => `${workloadName(cell.workload)} ${backendLabel(cell)} ${loadOf(cell)[1]}`;
  return curve(a).localeCompare(curve(b)) || loadOf(a)[0] - loadOf(b)[0];
}

/** Rate, and burst: bursts make a curve of their own. */
function loadOf({ workload }: Cell): [number, number] {
  const pace = workload.kind === 'stamped' ? workload.pace : undefined;
  return [pace?.ratePerS ?? 0, pace?.burstCalls ?? 0];
}
