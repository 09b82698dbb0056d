/** From the outcomes of the cells to one answer, and to the exit code a gate goes by. */
import { EXIT } from '../errors.ts';
import type { Change, StudyComparison } from './result.ts';

type ComparedCell = StudyComparison['cells'][number];

/**
 * A ratio also moves when what it is taken of does. Where the untraced time of a cell's workload changed the other way
 * and the added time did not change with the ratio, the ratio's change is that of the baseline and is not counted twice.
 */
export function followsFromBaseline(
  cells: readonly (ComparedCell & { readonly baselineCellId: string | null })[],
): ComparedCell[] {
  return cells.map(({ baselineCellId, ...cell }) => {
    const baseline = cells.find(({ cellId }) => cellId === baselineCellId);
    const time = baseline?.changes.find(({ quantity }) => quantity === 'time');
    const added = cell.changes.find(({ quantity }) => quantity === 'added');
    const opposite = { regression: 'improvement', improvement: 'regression' } as const;
    const changes = cell.changes.map((change): Change => {
      if (change.quantity !== 'slowdown' || !isChange(change) || !time || !isChange(time)) return change;
      if (opposite[time.outcome] !== change.outcome || added?.outcome === change.outcome) return change;
      const moved = time.outcome === 'regression' ? 'slower' : 'faster';
      return { ...change, outcome: 'no change', note: `follows from the untraced workload, which became ${moved}` };
    });
    return { ...cell, changes };
  });
}

function isChange(change: Change): change is Change & { outcome: 'regression' | 'improvement' } {
  return change.outcome === 'regression' || change.outcome === 'improvement';
}

type Facts = Omit<StudyComparison, 'verdict' | 'reasons'>;

export function verdictOf(facts: Facts): Pick<StudyComparison, 'verdict' | 'reasons'> {
  const all = facts.cells.flatMap((cell) => cell.changes.map((change) => ({ cell, change })));
  const of = (outcome: Change['outcome']) => all.filter(({ change }) => change.outcome === outcome);
  const [worse, better, unjudged] = [of('regression'), of('improvement'), of('not judged')];
  const judged = all.filter(
    ({ change }) => change.rule === 'test' && change.bar !== null && change.outcome !== 'not judged',
  );
  const unmatched = facts.onlyInBase.length + facts.onlyInNext.length;
  const reasons = [
    ...worse.map(({ cell, change }) => `regression: ${change.quantity} of ${cell.cellId}`),
    ...better.map(({ cell, change }) => `improvement: ${change.quantity} of ${cell.cellId}`),
  ];
  if (unjudged.length > 0) {
    const why = new Set(unjudged.map(({ change }) => change.note));
    reasons.push(`not judged: ${unjudged.length} of ${all.length} quantities (${[...why].join('; ')})`);
  }
  if (unmatched > 0) {
    reasons.push(
      `only in one of the studies: ${unmatched} ${unmatched === 1 ? 'cell' : 'cells'}${facts.settings.requireSameCells ? ', and --require-same-cells was given' : ''}`,
    );
  }
  if (facts.cells.length === 0) reasons.push('no cell was measured in both studies');
  const regression = worse.length > 0 || (unmatched > 0 && facts.settings.requireSameCells);
  const verdict = regression ? 'regression' : judged.length === 0 ? 'nothing judged' : 'no regression';
  return { verdict, reasons };
}

export function exitCodeOf({ verdict }: StudyComparison): number {
  return { regression: EXIT.breached, 'no regression': EXIT.ok, 'nothing judged': EXIT.invalid }[verdict];
}
