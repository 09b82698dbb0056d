/** Which cells of two studies are the same cell. */
import type { Cell, Study } from '../result.ts';
import { backendLabel } from '../result-words.ts';
import { workloadKey } from '../summarise/same-cells.ts';

export interface CellPair {
  readonly base: Cell;
  readonly next: Cell;
}

export interface Matched {
  readonly pairs: readonly CellPair[];
  readonly onlyInBase: readonly Cell[];
  readonly onlyInNext: readonly Cell[];
}

/**
 * The same workload (with its calls and threads), variant, budget and place under the same baseline. Seeds may differ:
 * every study draws its own. A cell without a completed trial in one study is the other's alone. `across`: traced cells may
 * differ in their calls, which follow from the machine.
 */
export function matchCells(base: Study, next: Study, across: boolean): Matched {
  const exact = matchBy(exactKey, base.cells, next.cells);
  if (!across) return measuredInBoth(exact);
  const traced = (cell: Cell): boolean => cell.baselineCellId !== null;
  const rest = matchBy(looseKey, exact.onlyInBase.filter(traced), exact.onlyInNext.filter(traced));
  const paired = new Set(rest.pairs.flatMap(({ base, next }) => [base, next]));
  return measuredInBoth({
    pairs: [...exact.pairs, ...rest.pairs],
    onlyInBase: exact.onlyInBase.filter((cell) => !paired.has(cell)),
    onlyInNext: exact.onlyInNext.filter((cell) => !paired.has(cell)),
  });
}

function measuredInBoth({ pairs, onlyInBase, onlyInNext }: Matched): Matched {
  const measured = (cell: Cell): boolean => cell.trials.completed > 0;
  return {
    pairs: pairs.filter(({ base, next }) => measured(base) === measured(next)),
    onlyInBase: [...onlyInBase, ...pairs.filter((p) => measured(p.base) && !measured(p.next)).map(({ base }) => base)],
    onlyInNext: [...onlyInNext, ...pairs.filter((p) => !measured(p.base) && measured(p.next)).map(({ next }) => next)],
  };
}

function matchBy(keyOf: (cell: Cell) => string, base: readonly Cell[], next: readonly Cell[]): Matched {
  const waiting = new Map(next.map((cell) => [keyOf(cell), cell]));
  const pairs: CellPair[] = [];
  const onlyInBase: Cell[] = [];
  for (const cell of base) {
    const other = waiting.get(keyOf(cell));
    if (other === undefined) onlyInBase.push(cell);
    else pairs.push({ base: cell, next: other });
    waiting.delete(keyOf(cell));
  }
  return { pairs, onlyInBase, onlyInNext: [...waiting.values()] };
}

/** The id has calls, variant, budget and place in it; of a command only the first word. */
function exactKey(cell: Cell): string {
  return JSON.stringify([cell.cellId, workloadKey(cell.workload), cell.baselineCellId]);
}

function looseKey(cell: Cell): string {
  return JSON.stringify([workloadKey(cell.workload), backendLabel(cell)]);
}
