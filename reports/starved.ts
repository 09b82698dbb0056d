/** The table of starved collectors: what each loses when it is kept from its work, beside what it loses when it is not. */
import type { Cell, Study } from '../harness/result.ts';
import {
  backendFed,
  count,
  type Figure,
  joined,
  NOTHING,
  percent,
  plainInterval,
  range,
  rate,
  ratioInterval,
  shareInterval,
  starvation,
  workload,
} from './format.ts';

export const STARVED_TITLE = 'Starved collector';
export const STARVED_TEXT =
  'Loss trial by trial, median and interval over the rounds. A stall is one in the section: how many calls it costs is what to ' +
  'carry away, their share of the section is not. A quota is of one CPU, in periods of 10 ms (longer below 10 %), for the ' +
  'thread that drains alone; throttled: the share of the section and its drain that it was held back. Admitted and lost are sums over the rounds. ' +
  'What makes the workload wait loses nothing, and shows it as slowdown.';

/** `left:` or `right:` before each head. */
export const STARVED_COLUMNS = [
  'left:workload',
  'left:backend',
  'left:collector',
  'right:achieved',
  'right:lost',
  'right:calls lost\na trial',
  'right:admitted\n/ lost',
  'right:books',
  'right:throttled',
  'right:slowdown',
] as const;

/** None where no collector was starved. A starved cell follows the one that was not. */
export function starvedRows({ cells }: Study): string[][] {
  const hungry = new Set(cells.filter((cell) => cell.terms.starvation !== undefined).map(besides));
  return cells.filter((cell) => cell.lossByTrial !== undefined && hungry.has(besides(cell))).map(row);
}

/** All that a starved cell shares with the one that it stands beside. */
function besides(cell: Cell): string {
  return JSON.stringify([workload(cell.workload), backendFed(cell), cell.baselineCellId]);
}

function row(cell: Cell): string[] {
  const { lossByTrial: loss, terms, trials, openLoop, perCallNs } = cell;
  const shown = (figure: Figure | null): string => (figure === null ? NOTHING : joined(figure));
  return [
    workload(cell.workload),
    backendFed(cell),
    terms.starvation === undefined ? 'let work' : starvation(terms.starvation),
    rate(openLoop?.achievedPerS.estimate ?? (perCallNs === null ? null : 1e9 / perCallNs.estimate)),
    shown(loss ? shareInterval(loss.fraction) : null),
    shown(loss ? plainInterval(loss.calls) : null),
    `${range(cell.reportedLossCalls)} / ${loss ? count(loss.missing) : NOTHING}`,
    `${trials.reconciled}/${trials.completed} ${trials.reconciled === trials.completed ? 'ok' : 'OFF'}`,
    percent(loss?.throttledFraction?.estimate ?? null),
    shown(ratioInterval(cell.slowdown)),
  ];
}
