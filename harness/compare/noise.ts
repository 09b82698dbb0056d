/** What a change must exceed to be more than noise: of each study by itself, and of the machine between the two. */
import type { Study, TrialResult } from '../result.ts';
import { median } from '../statistics/describe.ts';
import { logRatios, orderInterval } from '../statistics/order-interval.ts';
import { consecutiveLogRatios } from '../statistics/power.ts';
import { type CellTrials, NO_TRIALS, pairByRound, values, workTime } from '../summarise/rounds.ts';

/**
 * A/A noise of one workload in one study, in logarithms: how far from 1 the interval reaches that its rounds give for
 * the ratio of the untraced workload to itself. The pairs are those with a twin cell where the plan has one, else each
 * trial with the one before. null below 6 pairs.
 */
export function aaNoise(study: Study, grouped: ReadonlyMap<string, CellTrials>, baselineCellId: string): number | null {
  const own = grouped.get(baselineCellId) ?? NO_TRIALS;
  const variant = study.cells.find(({ cellId }) => cellId === baselineCellId)?.variant;
  const twins = study.cells.filter((c) => c.baselineCellId === baselineCellId && c.variant === variant);
  const paired = twins.flatMap(({ cellId }) => logRatios(pairByRound(grouped.get(cellId) ?? NO_TRIALS, own)));
  const ratios = paired.length > 0 ? paired : consecutiveLogRatios(values(own, workTime));
  if (ratios.length === 0) return null;
  const { low, high } = orderInterval(ratios);
  return low === null || high === null ? null : Math.max(Math.abs(low), Math.abs(high));
}

/**
 * How far the machine itself moved from one study to the other, in logarithms: the ratio of the medians of the canaries,
 * the bare calls that every target makes before anything is attached, of trials in the same audit state. null when no state has canaries on both sides.
 */
export function machineShift(base: readonly TrialResult[], next: readonly TrialResult[]): number | null {
  const [before, after] = [canaries(base), canaries(next)];
  const moved = [...before].flatMap(([state, list]) => {
    const others = after.get(state);
    return others === undefined ? [] : [Math.abs(Math.log(median(others) / median(list)))];
  });
  return moved.length === 0 ? null : Math.max(...moved);
}

function canaries(trials: readonly TrialResult[]): Map<string, number[]> {
  const states = new Map<string, number[]>();
  for (const trial of trials) {
    if (trial.status !== 'completed' || trial.canaryNsPerCall === null || trial.canaryNsPerCall <= 0) continue;
    const list = states.get(trial.auditContext) ?? [];
    states.set(trial.auditContext, list);
    list.push(trial.canaryNsPerCall);
  }
  return states;
}
