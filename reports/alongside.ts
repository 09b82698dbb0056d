/** Two collectors at once: what the pair costs beside what each costs alone, and whether the two add up. */
import { addedInterval, joined, NOTHING, percent, ratioInterval } from '../harness/notation.ts';
import type { Cell } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { type Column, columns } from './columns.ts';
import { workload } from './format.ts';

export const ALONGSIDE_TITLE = 'Two collectors at once';
export const ALONGSIDE_TEXT =
  'Added per call by the pair and by each alone, on the same terms; over the sum: what the pair adds beyond the sum of the two, ' +
  'paired by round (0: they add up; below: they share some of the cost). The second’s delivered share and books stand here, the ' +
  'first’s in the table above.';

/** `left:` or `right:` before each head. */
export const ALONGSIDE_COLUMNS: readonly Column[] = columns(
  'left:workload',
  'left:pair',
  'right:slowdown',
  'right:added\nby the pair',
  'right:first\nalone',
  'right:second\nalone',
  'right:over\nthe sum',
  'right:second\ndelivered',
  'right:second\nbooks',
);

/** None where the study has no pair. */
export function alongsideRows(cells: readonly Cell[]): string[][] {
  const added = (id: string | null): string =>
    joined(addedInterval(cells.find(({ cellId }) => cellId === id)?.addedNsPerCall ?? null));
  return cells.flatMap((cell) => {
    const { alongside, trials } = cell;
    if (alongside === undefined) return [];
    const { aloneCellIds, overSumNs, overSumReason, deliveredFraction, reconciled } = alongside;
    return [
      [
        workload(cell.workload),
        backendLabel(cell),
        joined(ratioInterval(cell.slowdown)),
        joined(addedInterval(cell.addedNsPerCall)),
        added(aloneCellIds.first),
        added(aloneCellIds.second),
        overSumNs === null ? (overSumReason ?? NOTHING) : joined(addedInterval(overSumNs)),
        percent(deliveredFraction),
        deliveredFraction === null ? NOTHING : `${reconciled}/${trials.completed}`,
      ],
    ];
  });
}
