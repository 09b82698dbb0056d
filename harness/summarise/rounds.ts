import type { CompletedTrial, FailedTrial, Interval, TrialResult } from '../result.ts';
import { nsPerCall } from '../result-figures.ts';
import { orderInterval } from '../statistics/order-interval.ts';

/** The trials of one cell, sorted out. */
export interface CellTrials {
  /** Completed, not warm-up: what the statistics count. One a round; a repeated round counts its last trial. */
  readonly counted: ReadonlyMap<number, CompletedTrial>;
  readonly failed: readonly FailedTrial[];
  readonly warmup: number;
}

export function groupByCell(trials: readonly TrialResult[]): Map<string, CellTrials> {
  interface Collected {
    readonly counted: Map<number, CompletedTrial>;
    readonly failed: FailedTrial[];
    warmup: number;
  }
  const cells = new Map<string, Collected>();
  for (const trial of trials) {
    const cell: Collected = cells.get(trial.spec.cellId) ?? { counted: new Map(), failed: [], warmup: 0 };
    cells.set(trial.spec.cellId, cell);
    if (trial.spec.warmup) cell.warmup++;
    else if (trial.status === 'failed') cell.failed.push(trial);
    else cell.counted.set(trial.spec.round, trial);
  }
  return cells;
}

export const NO_TRIALS: CellTrials = { counted: new Map(), failed: [], warmup: 0 };

/**
 * What slowdown is the ratio of: ns per call of a stamped workload; of an application the time that a unit of its work took by its
 * figure of merit, else the whole run.
 */
export function workTime(trial: CompletedTrial): number | null {
  if (trial.spec.workload.kind === 'stamped') return nsPerCall(trial);
  const { figureOfMerit } = trial;
  if (figureOfMerit !== undefined) {
    return figureOfMerit.better === 'higher' ? 1 / figureOfMerit.value : figureOfMerit.value;
  }
  return trial.run.durationNs > 0 ? trial.run.durationNs : null;
}

/** Values of the counted trials in order of their rounds, those that have none left out. */
export function values(trials: CellTrials, value: (trial: CompletedTrial) => number | null): number[] {
  return inOrder(trials)
    .map(value)
    .filter((v) => v !== null);
}

/** ns per call beyond the baseline of the same round, by round. */
export function addedByRound(own: CellTrials, baseline: CellTrials): Map<number, number> {
  const added = new Map<number, number>();
  for (const [round, trial] of own.counted) {
    const bare = baseline.counted.get(round);
    const [its, bareNs] = [nsPerCall(trial), bare === undefined ? null : nsPerCall(bare)];
    if (its !== null && bareNs !== null) added.set(round, its - bareNs);
  }
  return added;
}

/** Over rounds; null: there was none. */
export function intervalOver(rounds: readonly number[]): Interval | null {
  return rounds.length > 0 ? orderInterval(rounds) : null;
}

/** The same quantity in two cells, round by round; rounds in which either is missing are left out. */
export function pairByRound(
  left: CellTrials,
  right: CellTrials,
  value: (trial: CompletedTrial) => number | null = workTime,
): [number, number][] {
  const pairs: [number, number][] = [];
  for (const trial of inOrder(left)) {
    const other = right.counted.get(trial.spec.round);
    if (!other) continue;
    const a = value(trial);
    const b = value(other);
    if (a !== null && b !== null) pairs.push([a, b]);
  }
  return pairs;
}

export function inOrder(trials: CellTrials): CompletedTrial[] {
  return [...trials.counted.values()].sort((a, b) => a.spec.round - b.spec.round);
}
