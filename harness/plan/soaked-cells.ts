/**
 * The soaked cells of a plan: beside each cell one that differs in nothing but the soaker, and its baseline soaked as
 * well. Their times are of a machine that is kept busy and are never used.
 */
import type { Plan } from '../result.ts';
import type { ExpandedCell } from './cell.ts';
import { SOAKER_START_MS } from './costs.ts';

type PlanCell = Plan['cells'][number];

export function soakedId(cellId: string): string {
  return `${cellId}+soaked`;
}

/**
 * Of cells with START and END, whose buffers are sized in bytes; `isBilled`: by variant. What is started beside the trial
 * process (whole tools) has CPU time that the bill would not know, so those are left out by `isBilled`.
 */
export function soakedCells(
  cells: readonly ExpandedCell[],
  isBilled: (variant: string) => boolean,
): { cells: ExpandedCell[]; notes: string[] } {
  const notes = new Set<string>();
  const billed = cells.filter(({ cell: { baselineCellId, trial } }) => {
    if (baselineCellId === null || trial.inFlight !== null || !isBilled(trial.variant)) return false;
    if (trial.workload.kind === 'stamped') return true;
    notes.add(`no CPU bill of ${trial.workload.name}: it has no START and END between which the soaker could be read`);
    return false;
  });
  const baselines = new Set(billed.map(({ cell }) => cell.baselineCellId));
  const wanted = [...cells.filter(({ cell }) => baselines.has(cell.cellId)), ...billed];
  return { cells: wanted.map(soakedTwin), notes: [...notes] };
}

function soakedTwin({ cell, sectionMs }: ExpandedCell): ExpandedCell {
  const { cellId, baselineCellId, trial } = cell;
  const soaked: PlanCell = {
    cellId: soakedId(cellId),
    baselineCellId: baselineCellId === null ? null : soakedId(baselineCellId),
    trial: { ...trial, cellId: soakedId(cellId), soaked: true },
  };
  return { cell: soaked, sectionMs: sectionMs === null ? null : sectionMs + SOAKER_START_MS };
}

/** The plan without them: what is timed, compared and judged. */
export function withoutSoaked(plan: Plan): Plan {
  return { ...plan, cells: plan.cells.filter(({ trial }) => trial.soaked !== true) };
}
