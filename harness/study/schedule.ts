/**
 * The order of a study. Every round is one pass over all cells, baselines included, in an order of its own that
 * depends on the plan's seed and the round's number only: a resumed study goes on exactly as it would have.
 */
import { createRandom } from '../random.ts';
import type { Plan, TrialSpec } from '../result.ts';

/** Rounds have this many numbers within one seed; a study of more would reuse orders of the next seed. */
const ROUNDS_PER_SEED = 2 ** 20;

/** Trials of round `round` (0 is the first; the first `plan.warmupRounds` are warm-up) in the order they run. */
export function roundTrials(plan: Plan, round: number): TrialSpec[] {
  const random = createRandom((plan.seed % 2 ** 32) * ROUNDS_PER_SEED + round);
  return random.shuffle(plan.cells).map((cell, order) => ({
    ...cell.trial,
    trialId: trialId(cell.cellId, round),
    round,
    order,
    warmup: round < plan.warmupRounds,
  }));
}

export function trialId(cellId: string, round: number): string {
  return `${cellId}#${round}`;
}
