/**
 * What a call costs that the filter lets pass, and one that it does not. Cells of one variant that differ in the share of
 * calls that pass are points of a line, if each kind has its price: fitted in each round, so that what both prices are off by
 * in a round is off in the same way.
 */
import type { Cell, Interval, Plan, Selectivity, Study, TrialResult } from '../result.ts';
import { backendLabel } from '../result-words.ts';
import { contains } from '../statistics/order-interval.ts';
import { workloadLabel } from './command.ts';
import { addedByRound, type CellTrials, groupByCell, intervalOver, NO_TRIALS } from './rounds.ts';

/** A point is off the line by at least this share of what is added there. */
const OFF_LINE = 0.05;

/** Below this share delivered a point is cheap because it drops. */
const LOSSLESS = 0.999;

interface Line {
  readonly nonMatching: number;
  readonly matching: number;
}

/** Least squares of added = nonMatching × (1 − p) + matching × p; null where all points have one p. */
export function fitLine(points: readonly { readonly share: number; readonly added: number }[]): Line | null {
  let [qq, pq, pp, qy, py] = [0, 0, 0, 0, 0];
  for (const { share: p, added } of points) {
    const q = 1 - p;
    qq += q * q;
    pq += p * q;
    pp += p * p;
    qy += q * added;
    py += p * added;
  }
  const determinant = qq * pp - pq * pq;
  if (Math.abs(determinant) < 1e-12) return null;
  return { nonMatching: (pp * qy - pq * py) / determinant, matching: (qq * py - pq * qy) / determinant };
}

/** Nothing where the study has no cells of --match. */
export function selectivityOf(
  plan: Plan,
  cells: readonly Cell[],
  trials: readonly TrialResult[],
  variants: ReadonlyMap<string, { readonly filter?: 'kernel' | 'user' | 'none' }>,
): Pick<Study, 'selectivity'> {
  if (plan.match === undefined) return {};
  const grouped = groupByCell(trials);
  const of = (cellId: string | null): CellTrials => grouped.get(cellId ?? '') ?? NO_TRIALS;
  const added: Added = ({ cellId, baselineCellId }) => addedByRound(of(cellId), of(baselineCellId));
  const curves = new Map<string, Cell[]>();
  for (const cell of cells) {
    if (cell.baselineCellId === null || cell.terms.filter === null || matchOf(cell) === null) continue;
    // Besides the share a curve's cells have all in common: wake-up, budget, pace.
    const key = `${backendLabel(cell)} ${workloadLabel(cell.workload).replace(/^\S+/, '')}`;
    curves.set(key, [...(curves.get(key) ?? []), cell]);
  }
  return {
    selectivity: [...curves.values()].map((own) =>
      curveOf(own, variants.get(own[0]?.variant ?? '')?.filter ?? null, added),
    ),
  };
}

type Added = (cell: Cell) => ReadonlyMap<number, number>;

function curveOf(own: readonly Cell[], filter: Selectivity['filter'], added: Added): Selectivity {
  const cells = [...own].sort((a, b) => (matchOf(a) ?? 0) - (matchOf(b) ?? 0));
  const values = new Map(cells.map((cell) => [cell, added(cell)]));
  const whole = cells.filter(isWhole);
  const lines = new Map<number, Line>();
  // Only rounds that have every point: a line through others would be of another shape.
  for (const round of (whole[0] && values.get(whole[0]))?.keys() ?? []) {
    const points = whole.flatMap((cell) => {
      const value = values.get(cell)?.get(round);
      return value === undefined ? [] : [{ share: (matchOf(cell) ?? 0) / 100, added: value }];
    });
    const line = points.length === whole.length ? fitLine(points) : null;
    if (line !== null) lines.set(round, line);
  }
  return {
    variant: cells[0]?.variant ?? '',
    filter,
    points: cells.map((cell) => {
      const share = (matchOf(cell) ?? 0) / 100;
      const off = intervalOver(
        [...lines].flatMap(([round, { nonMatching, matching }]) => {
          const value = values.get(cell)?.get(round);
          return value === undefined ? [] : [value - nonMatching * (1 - share) - matching * share];
        }),
      );
      return {
        cellId: cell.cellId,
        match: matchOf(cell) ?? 0,
        addedNsPerCall: cell.addedNsPerCall,
        deliveredFraction: cell.deliveredFraction,
        inLine: isWhole(cell),
        offLineNs: off,
        isOffLine: isOffLine(off, cell.addedNsPerCall),
      };
    }),
    nonMatchingNs: intervalOver([...lines.values()].map(({ nonMatching }) => nonMatching)),
    matchingNs: intervalOver([...lines.values()].map(({ matching }) => matching)),
  };
}

/** Where nothing was issued that passes, nothing was lost. */
function isWhole({ deliveredFraction }: Cell): boolean {
  return deliveredFraction === null || deliveredFraction >= LOSSLESS;
}

function isOffLine(off: Interval | null, added: Interval | null): boolean {
  if (off === null || added === null || off.low === null || contains(off, 0)) return false;
  return Math.abs(off.estimate) > OFF_LINE * Math.abs(added.estimate);
}

function matchOf({ workload }: Cell): number | null {
  return workload.kind === 'stamped' ? (workload.match ?? null) : null;
}
