/** Loss over rate × burst × calls in flight: a table a variant, a column a rate. */
import type { CapacityStudy, GridPoint } from '../harness/capacity/result.ts';
import { count, NOTHING, percent, rate } from '../harness/notation.ts';
import { type Column, columns } from './columns.ts';

export const GRID_TEXT =
  'Share of the calls lost, median and [least, most] over the trials of a point. Each column is an average rate: evenly spaced, or in ' +
  'bursts of so many calls at full speed. °: a single burst into an empty buffer, because the next is due later than a point lasts. ' +
  '–: not measured, or the load generator could not keep the rate under this backend (achieved below 99 %). Model off by: of the ' +
  'fitted queue, where it holds, the median of |predicted − measured loss| over the row, in points of all calls.';

export interface GridTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Of what is missing in it; empty: nothing. */
  readonly text: string;
}

/** One for every variant that has a grid. */
export function gridTables({ variants }: CapacityStudy): GridTable[] {
  return variants.flatMap(({ variant, grid }) =>
    grid === undefined ? [] : [{ ...table(variant, grid.points), text: missing(grid.failures) }],
  );
}

function missing(failures: readonly string[]): string {
  if (failures.length === 0) return '';
  return `Left out: ${[...new Set(failures)].join('; ')}.`;
}

function table(variant: string, points: readonly GridPoint[]): Omit<GridTable, 'text'> {
  const rates = [...new Set(points.map(({ offeredPerS }) => offeredPerS))].sort((a, b) => order(a) - order(b));
  const isPredicted = points.some(({ predictedLoss }) => predictedLoss !== null);
  const rowKeys = [...new Set(points.map(rowKey))];
  const rows = rowKeys.map((key) => {
    const own = points.filter((point) => rowKey(point) === key);
    const [first] = own as [GridPoint];
    const figures = rates.map((offered) => cell(own.find(({ offeredPerS }) => offeredPerS === offered)));
    const load = first.burstCalls === 1 ? 'evenly' : `bursts of ${count(first.burstCalls)}`;
    const had = own.find(({ callsInFlightHad }) => callsInFlightHad !== null)?.callsInFlightHad;
    return [count(had ?? first.callsInFlight), load, ...figures, ...(isPredicted ? [percent(offBy(own))] : [])];
  });
  const heads = [
    `right:${variant}\ncalls in flight`,
    'left:load',
    ...rates.map((perS) => `right:${perS === null ? 'full speed' : rate(perS)}`),
    ...(isPredicted ? ['right:model\noff by'] : []),
  ];
  return { columns: columns(...heads), rows };
}

function order(perS: number | null): number {
  return perS ?? Number.POSITIVE_INFINITY;
}

function rowKey({ callsInFlight, burstCalls }: GridPoint): string {
  return `${callsInFlight} ${burstCalls}`;
}

function cell(point: GridPoint | undefined): string {
  if (point === undefined || point.offered !== 'held') return NOTHING;
  const losses = point.trials.map(({ lossFraction }) => lossFraction).sort((a, b) => a - b);
  const [least, most] = [losses[0] ?? 0, losses.at(-1) ?? 0];
  const text = least === most ? percent(least) : `${percent(middle(losses))} [${bare(least)}, ${bare(most)}]`;
  return point.bursts === 1 ? `${text}°` : text;
}

/** Without the sign, which the figure before it has. */
function bare(share: number): string {
  return percent(share).replace(' %', '');
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const above = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? above : ((sorted[half - 1] ?? 0) + above) / 2;
}

/** null where nothing was predicted. */
function offBy(points: readonly GridPoint[]): number | null {
  const errors = points.flatMap(({ predictedLoss, trials }) =>
    predictedLoss === null
      ? []
      : Math.abs(predictedLoss - middle(trials.map(({ lossFraction }) => lossFraction).sort((a, b) => a - b))),
  );
  return errors.length === 0 ? null : middle(errors.sort((a, b) => a - b));
}
