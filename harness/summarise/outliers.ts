/** Rounds that do not belong to the others, of a cell and of a study. */
import type { Plan, TrialResult } from '../result.ts';
import { MAD_TO_SIGMA, mad, median } from '../statistics/describe.ts';
import { MIN_ROUNDS } from '../statistics/order-interval.ts';
import { type CellTrials, groupByCell, inOrder, NO_TRIALS, workTime } from './rounds.ts';

/** So many standard deviations (by MAD) from the median, and at least so far from it. */
const SIGMAS = 6;
const LEAST = 0.1;
/** A round that is an outlier in this share of the cells, and in two at least, was disturbed as a whole. */
const DISTURBED = 1 / 3;

export interface Outlier {
  readonly round: number;
  /** Times the median over the rounds. */
  readonly times: number;
}

/** By slowdown for a traced cell, by time for a baseline; none below 6 rounds. */
export function outliersOf(own: CellTrials, baseline: CellTrials | null): Outlier[] {
  const rounds = inOrder(own).flatMap((trial) => {
    const time = workTime(trial);
    const other = baseline?.counted.get(trial.spec.round);
    const bare = baseline === null ? 1 : other === undefined ? null : workTime(other);
    return time === null || bare === null ? [] : [{ round: trial.spec.round, log: Math.log(time / bare) }];
  });
  if (rounds.length < MIN_ROUNDS) return [];
  const logs = rounds.map(({ log }) => log);
  const centre = median(logs);
  const band = Math.max(SIGMAS * MAD_TO_SIGMA * mad(logs, centre), Math.log1p(LEAST));
  return rounds
    .filter(({ log }) => Math.abs(log - centre) > band)
    .map(({ round, log }) => ({ round, times: Math.exp(log - centre) }));
}

/** By their times alone: ratios would count one disturbed baseline in every cell above it. */
export function disturbedRounds(plan: Plan, trials: readonly TrialResult[]): { round: number; cells: number }[] {
  const grouped = groupByCell(trials);
  const hits = new Map<number, number>();
  for (const { cellId } of plan.cells) {
    for (const { round } of outliersOf(grouped.get(cellId) ?? NO_TRIALS, null))
      hits.set(round, (hits.get(round) ?? 0) + 1);
  }
  return [...hits]
    .filter(([, cells]) => cells >= Math.max(2, DISTURBED * plan.cells.length))
    .map(([round, cells]) => ({ round, cells }))
    .sort((a, b) => a.round - b.round);
}
