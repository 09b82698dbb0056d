/** Trials of a variant and of the baseline, paired by round → what a bystander pays, as differences of differences. */
import { mapInterval, orderInterval } from '../statistics/order-interval.ts';
import type { BystanderRow, BystanderTrial, CompletedBystander, Kind, Phase, Tax } from './result.ts';

type Pair = readonly [traced: CompletedBystander, untraced: CompletedBystander];

/** `trials` and `baseline`: of any rounds, in any order; what has no partner is left out. */
export function taxesOf(
  head: Pick<BystanderRow, 'variant' | 'auditContext'>,
  trials: readonly BystanderTrial[],
  baseline: readonly BystanderTrial[],
): BystanderRow {
  const untraced = new Map(completed(baseline).map((trial) => [trial.spec.round, trial]));
  const pairs = completed(trials).flatMap((trial): Pair[] => {
    const partner = untraced.get(trial.spec.round);
    return partner === undefined ? [] : [[trial, partner]];
  });
  const taxes = (kind: Kind) => ({
    armed: taxOf(pairs, kind, 'armed'),
    busy: taxOf(pairs, kind, 'busy'),
    residue: taxOf(pairs, kind, 'residue'),
  });
  const unknown = completed(trials).some((trial) => trial.auditContext === 'unknown');
  return {
    ...head,
    auditContext: unknown ? 'unknown' : head.auditContext,
    rounds: pairs.length,
    failures: trials.flatMap((trial) =>
      trial.status === 'failed' ? [`round ${trial.spec.round + 1}: ${trial.error.code}: ${trial.error.message}`] : [],
    ),
    old: taxes('old'),
    new: taxes('new'),
  };
}

export function completed(trials: readonly BystanderTrial[]): CompletedBystander[] {
  return trials.filter((trial) => trial.status === 'completed');
}

function taxOf(pairs: readonly Pair[], kind: Kind, phase: Phase): Tax {
  const addedNs: number[] = [];
  const logRatios: number[] = [];
  for (const [traced, untraced] of pairs) {
    const [phased, bare] = [traced[kind][phase], untraced[kind][phase]];
    if (phased === null || bare === null) continue;
    const [before, bareBefore] = [traced[kind].before, untraced[kind].before];
    addedNs.push(phased - before - (bare - bareBefore));
    logRatios.push(Math.log(phased / before) - Math.log(bare / bareBefore));
  }
  if (addedNs.length === 0) return null;
  return { addedNs: orderInterval(addedNs), ratio: mapInterval(orderInterval(logRatios), Math.exp) };
}
