/** What tracing adds to calls that a filter lets pass, and to the others. */
import { addedInterval, type Figure, joined, NOTHING, percent } from '../harness/notation.ts';
import type { Selectivity, Study } from '../harness/result.ts';
import { type Column, columns } from './columns.ts';

export const SELECTIVITY_TITLE = 'Selectivity (added per call, by the share of calls that the filter lets pass)';
export const SELECTIVITY_TEXT =
  'Workload selective, whose wanted call alone is traced. Last columns: what is added to a call that does not pass, and to one that ' +
  'does, fitted in each round to the shares that lost nothing (over 0.1 %); an asterisk marks one that is off this line by more than ' +
  'chance and by 5 % of what is added there. In brackets the delivered part of the calls that pass, where that is not all.';

export interface SelectivityTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Figure[])[];
  readonly offLine: readonly string[];
}

/** null where the study has none. */
export function selectivityTable({ selectivity = [] }: Pick<Study, 'selectivity'>): SelectivityTable | null {
  if (selectivity.length === 0) return null;
  const shares = [...new Set(selectivity.flatMap(({ points }) => points.map(({ match }) => match)))].sort(
    (a, b) => a - b,
  );
  return {
    columns: columns(
      'left:backend',
      'left:filters in',
      ...shares.map((share) => `right:${share} % pass`),
      'right:not passing',
      'right:passing',
    ),
    rows: selectivity.map((curve) => [
      word(curve.variant),
      word(curve.filter ?? NOTHING),
      ...shares.map((share) => point(curve, share)),
      addedInterval(curve.nonMatchingNs),
      addedInterval(curve.matchingNs),
    ]),
    offLine: selectivity.flatMap(offLine),
  };
}

function word(main: string): Figure {
  return { main, bounds: '' };
}

function point({ points }: Selectivity, share: number): Figure {
  const found = points.find(({ match }) => match === share);
  if (found === undefined) return word(NOTHING);
  const { main, bounds } = addedInterval(found.addedNsPerCall);
  const { deliveredFraction } = found;
  const delivered = deliveredFraction === null || deliveredFraction === 1 ? '' : ` (${percent(deliveredFraction)})`;
  return { main: `${main}${found.isOffLine ? '*' : ''}${delivered}`, bounds };
}

function offLine({ variant, points }: Selectivity): string[] {
  return points
    .filter(({ isOffLine }) => isOffLine)
    .map(({ match, offLineNs }) => `${variant} at ${match} %: ${joined(addedInterval(offLineNs))} off the line`);
}
