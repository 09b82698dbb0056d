import { starvationOf } from '../plan/starvation.ts';
import type { Comparison, Plan, TrialResult } from '../result.ts';
import { holm, signTest } from '../statistics/hypothesis.ts';
import { contains, logRatios, ratioInterval } from '../statistics/order-interval.ts';
import type { VariantTerms } from './cells.ts';
import { workloadLabel } from './command.ts';
import { groupByCell, NO_TRIALS, pairByRound } from './rounds.ts';
import { sameButCalls, workloadKey } from './same-cells.ts';

/**
 * Every pair of cells of one workload that have one collector, let it work, deliver records and have their buffers by the
 * same budget: the paired ratio of their times, sign test, Holm over the workload. A pair is a tie unless its interval
 * leaves 1 out *and* the adjusted p is below 0.05; with few rounds and many pairs no p can be (roundsToRank), and then a
 * tie means undecided.
 */
export function compareCells(
  plan: Plan,
  trials: readonly TrialResult[],
  variants: ReadonlyMap<string, VariantTerms>,
): Comparison[] {
  const grouped = groupByCell(trials);
  const families = new Map<string, Omit<Comparison, 'pHolm' | 'outcome'>[]>();
  const cells = plan.cells.filter(
    (c) =>
      c.baselineCellId !== null &&
      c.trial.alongside === undefined &&
      variants.get(c.trial.variant)?.delivers === 'records' &&
      starvationOf(c.trial) === null,
  );
  cells.forEach((left, i) => {
    for (const right of cells.slice(i + 1)) {
      const key = workloadKey(left.trial.workload);
      if (key !== workloadKey(right.trial.workload) || left.trial.inFlight !== right.trial.inFlight) continue;
      if (sameButCalls(left, right)) continue;
      const pairs = pairByRound(grouped.get(left.cellId) ?? NO_TRIALS, grouped.get(right.cellId) ?? NO_TRIALS);
      if (pairs.length === 0) continue;
      const family = families.get(key) ?? [];
      families.set(key, family);
      family.push({
        workload: workloadLabel(left.trial.workload),
        left: left.cellId,
        right: right.cellId,
        ratio: ratioInterval(pairs),
        pValue: signTest(logRatios(pairs)),
      });
    }
  });
  return [...families.values()].flatMap((family) => {
    const adjusted = holm(family.map((c) => c.pValue));
    return family.map((c, i): Comparison => {
      const pHolm = adjusted[i] as number;
      return { ...c, pHolm, outcome: outcomeOf(c.ratio, pHolm) };
    });
  });
}

function outcomeOf(ratio: Comparison['ratio'], pHolm: number): Comparison['outcome'] {
  if (ratio.low === null || contains(ratio, 1) || pHolm >= 0.05) return 'tie';
  return ratio.estimate < 1 ? 'left faster' : 'right faster';
}

/** Rounds from which a sign test can still tell one pair of `pairs` apart after Holm: pairs · 2^(1 − n) < 0.05. */
export function roundsToRank(pairs: number): number {
  return Math.max(6, Math.floor(1 + Math.log2(pairs / 0.05)) + 1);
}
