/** The table of starved collectors: what each loses when it is kept from its work, beside what it loses when it is not. */
import {
  count,
  type Figure,
  NOTHING,
  percent,
  plain,
  range,
  rate,
  ratioInterval,
  shareInterval,
} from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { choicesFed, starvationText, workloadName } from '../harness/result-words.ts';
import { type Column, columns } from './columns.ts';
import { pace, workload } from './format.ts';

export const STARVED_TITLE = 'Starved collector';
export const STARVED_TEXT =
  'Loss trial by trial, median over the rounds, of the share with its interval. A stall is one in the section: how many calls ' +
  'it costs is what to carry away, their share of the section is not. A quota is of one CPU, in periods of 10 ms (longer ' +
  'below 10 %), for the thread that drains alone; held back: the share of the section and its drain for which it was ' +
  'throttled. Admitted and lost are sums over the rounds. What makes the workload wait loses nothing, and shows it as slowdown.';

/** `left:` or `right:` before each head. */
export const STARVED_COLUMNS: readonly Column[] = columns(
  'left:workload',
  'left:backend',
  'left:collector',
  'right:achieved',
  'right:lost',
  'right:calls\nlost',
  'right:admitted\n/ lost',
  'right:books',
  'right:held\nback',
  'right:slowdown',
);

/** What stands beside each other where there is room, and else below. */
type Pair = readonly [main: string, more: string];

/** None where no collector was starved. A starved cell follows the one that was not. `between`: what parts two that belong together. */
export function starvedRows({ cells }: Study, between: ' ' | '\n' = ' '): string[][] {
  const hungry = new Set(cells.filter((cell) => cell.terms.starvation !== undefined).map(besides));
  return cells
    .filter((cell) => cell.lossByTrial !== undefined && hungry.has(besides(cell)))
    .map((cell) => pairs(cell).map((pair) => pair.filter((word) => word !== '').join(between)));
}

/** All that a starved cell shares with the one that it stands beside. */
function besides(cell: Cell): string {
  return JSON.stringify([workload(cell.workload), cell.variant, choicesFed(cell), cell.baselineCellId]);
}

function pairs(cell: Cell): Pair[] {
  const { lossByTrial: loss, terms, trials, openLoop, perCallNs } = cell;
  const alone = (word: string): Pair => [word, ''];
  const shown = ({ main, bounds }: Figure): Pair => [main, bounds];
  return [
    [workloadName(cell.workload), pace(cell.workload)],
    [cell.variant, choicesFed(cell)],
    alone(terms.starvation === undefined ? 'let work' : starvationText(terms.starvation)),
    alone(rate(openLoop?.achievedPerS.estimate ?? (perCallNs === null ? null : 1e9 / perCallNs.estimate))),
    loss ? shown(shareInterval(loss.fraction)) : alone(NOTHING),
    alone(loss ? plain(loss.calls.estimate) : NOTHING),
    [range(cell.reportedLossCalls), `/ ${loss ? count(loss.missing) : NOTHING}`],
    alone(`${trials.reconciled}/${trials.completed} ${trials.reconciled === trials.completed ? 'ok' : 'OFF'}`),
    alone(percent(loss?.throttledFraction?.estimate ?? null)),
    shown(ratioInterval(cell.slowdown)),
  ];
}
