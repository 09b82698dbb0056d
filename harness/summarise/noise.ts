import type { Cell, Plan, Study, TrialResult } from '../result.ts';
import { median } from '../statistics/describe.ts';
import { logRatios } from '../statistics/order-interval.ts';
import { consecutiveLogRatios, minimumDetectableEffect } from '../statistics/power.ts';
import { groupByCell, NO_TRIALS, pairByRound, values, workTime } from './rounds.ts';

/**
 * The noise floor, from the baselines: the half-width of their intervals (median over workloads) and the minimum
 * detectable effect (the largest over workloads: a claim about the study must hold for each). Its spread comes from
 * A/A cells, where the plan runs the baseline's variant a second time, else from consecutive trials of the baseline.
 * null where no baseline has an interval.
 */
export function noiseOf(plan: Plan, cells: readonly Cell[], trials: readonly TrialResult[]): Study['noise'] {
  const grouped = groupByCell(trials);
  const widths: number[] = [];
  const effects: number[] = [];
  for (const cell of cells) {
    if (cell.baselineCellId !== null) continue;
    const time = cell.perCallNs ?? cell.figureOfMerit?.value ?? cell.durationNs;
    const own = grouped.get(cell.cellId) ?? NO_TRIALS;
    if (!time || time.low === null || time.high === null || !(time.estimate > 0)) continue;
    widths.push((time.high - time.low) / 2 / time.estimate);

    const twins = plan.cells.filter((c) => c.baselineCellId === cell.cellId && c.trial.variant === cell.variant);
    const paired = twins.flatMap((c) => logRatios(pairByRound(grouped.get(c.cellId) ?? NO_TRIALS, own)));
    const times = values(own, workTime);
    const effect = minimumDetectableEffect(paired.length > 0 ? paired : consecutiveLogRatios(times), times.length);
    if (effect !== null) effects.push(effect);
  }
  if (widths.length === 0 || effects.length === 0) return null;
  return { baselineHalfWidth: median(widths), minimumDetectableEffect: Math.max(...effects) };
}
