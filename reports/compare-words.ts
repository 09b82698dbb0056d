/** The words of a comparison, shared by terminal and Markdown. */
import type { Change, StudyComparison } from '../harness/compare/result.ts';
import { NOTHING, percent, time } from '../harness/notation.ts';
import { type Column, columns } from './columns.ts';

const QUANTITIES: Readonly<Record<Change['quantity'], string>> = {
  time: 'untraced time',
  slowdown: 'slowdown',
  added: 'added per call',
  loss: 'lost',
  unreported: 'lost unreported',
  books: 'accounting errors',
  p99: 'latency p99',
};

export interface Row {
  readonly outcome: Change['outcome'];
  /** As in COMPARE_COLUMNS. */
  readonly words: readonly string[];
}

export const COMPARE_COLUMNS: readonly Column[] = columns(
  'left:cell',
  'left:quantity',
  'right:rounds',
  'right:BASE',
  'right:NEW',
  'right:change',
  'right:p',
  'right:counts from',
  'left:outcome',
);

const RANK: readonly Change['outcome'][] = ['regression', 'improvement', 'not judged', 'no change', 'not claimed'];

/** What changed first, then what could not be judged; what neither study has any of is left to `quietLine`. */
export function rowsOf({ cells, settings }: StudyComparison): Row[] {
  const rows = cells.flatMap(({ cellId, changes }) =>
    changes
      .filter(({ rule }) => rule !== 'nothing in either')
      .map((change): Row => ({ outcome: change.outcome, words: [cellId, ...wordsOf(change, settings.alpha)] })),
  );
  return rows.sort((a, b) => RANK.indexOf(a.outcome) - RANK.indexOf(b.outcome));
}

/** Empty when there is no such cell. */
export function quietLine({ cells }: StudyComparison): string {
  const quiet = (quantity: Change['quantity']) =>
    cells.filter(({ changes }) => changes.some((c) => c.quantity === quantity && c.rule === 'nothing in either'))
      .length;
  const [loss, unreported] = [quiet('loss'), quiet('unreported')];
  if (loss + unreported === 0) return '';
  return `Without any loss in both studies: ${loss} cells; without unreported loss: ${unreported}.`;
}

function wordsOf(change: Change, alpha: number): string[] {
  const { rounds, pHolm, bar, outcome, note, minimumDetectableEffect: effect } = change;
  const unchanged = pHolm !== null && pHolm < alpha ? 'no change that counts' : 'no change that could be told';
  const told = outcome === 'no change' && change.rule === 'test' ? unchanged : outcome;
  const mde = effect === null ? '' : ` (MDE ${sizeText(change, effect)})`;
  const rule = change.rule === 'test' || change.rule === 'nothing in either' ? '' : ` by rule: ${change.rule}`;
  return [
    QUANTITIES[change.quantity],
    rounds.base === rounds.next ? String(rounds.base) : `${rounds.base}/${rounds.next}`,
    valueText(change, change.base),
    valueText(change, change.next),
    changeText(change),
    pHolm === null ? NOTHING : pHolm < 0.001 ? '< 0.001' : pHolm.toPrecision(2),
    bar === null || change.rule === 'new unreported loss' ? NOTHING : sizeText(change, bar),
    `${told}${outcome === 'no change' ? mde : ''}${rule}${note === null ? '' : `: ${note}`}`,
  ];
}

function valueText({ unit }: Change, value: number | null): string {
  if (value === null) return NOTHING;
  if (unit === 'ns') return time(value);
  if (unit === 'ratio') return `${value.toFixed(3)}×`;
  if (unit === 'fraction') return percent(value);
  if (unit === 'trials') return String(value);
  return `${value.toPrecision(3)} round trips`;
}

/** An amount of change without its sign. */
function sizeText({ relative, unit }: Change, size: number): string {
  if (relative) return `${digits(size * 100)} %`;
  if (unit === 'fraction') return `${digits(size * 100)} points`;
  return unit === 'ns' ? time(size) : String(size);
}

function changeText(change: Change): string {
  const { change: shift } = change;
  if (shift === null) return NOTHING;
  const signed = (x: number): string => `${x > 0 ? '+' : x < 0 ? '−' : ''}${sizeText(change, Math.abs(x))}`;
  if (shift.low === null || shift.high === null) return signed(shift.estimate);
  return `${signed(shift.estimate)} [${signed(shift.low)}, ${signed(shift.high)}]`;
}

/** Three digits, no more than two behind the point. */
function digits(x: number): string {
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}

export function studyLine(
  name: string,
  { path, studyId, startedAt, toolVersion, gitRevision, complete }: StudyComparison['base'],
): string {
  const revision = gitRevision === null ? '' : ` (${gitRevision.slice(0, 12)})`;
  return `${name}: ${path}, study ${studyId} of ${startedAt}, tracebench ${toolVersion}${revision}${complete ? '' : ', INCOMPLETE'}`;
}

export function settingsLine({ settings, tests }: StudyComparison): string {
  return (
    `A change counts when Mann–Whitney's test tells it from chance (p < ${settings.alpha} after Holm over ${tests} tests) and it is larger than ` +
    `the threshold (${digits(settings.threshold * 100)} %; of shares ${digits(settings.lossThreshold * 100)} points), the noise of both studies and the minimum detectable effect.`
  );
}

export function verdictLine({ verdict, cells }: StudyComparison): string {
  const all = cells.flatMap(({ changes }) => changes);
  const of = (outcome: Change['outcome']) => all.filter((change) => change.outcome === outcome).length;
  if (verdict === 'nothing judged') return 'Nothing could be judged';
  const counts = [
    `${of('regression')} worse`,
    `${of('improvement')} better`,
    `${of('no change')} without a change that could be told`,
  ];
  if (of('not judged') > 0) counts.push(`${of('not judged')} not judged`);
  if (of('not claimed') > 0) counts.push(`${of('not claimed')} not claimed`);
  return `${verdict === 'regression' ? 'REGRESSION' : 'No regression'}: ${counts.join(', ')}`;
}
