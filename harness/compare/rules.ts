/** What needs no test: something that must not be there, and now is. */
import type { LossOfRound } from './quantities.ts';
import type { Change } from './result.ts';

type Share = { readonly calls: number; readonly lost: number };

const UNTESTED = { change: null, pValue: null, pHolm: null, noise: null, minimumDetectableEffect: null } as const;

/** null when both studies have some: then the rounds are tested. */
export function newLoss(base: readonly LossOfRound[], next: readonly LossOfRound[], threshold: number): Change | null {
  const before = total(base, ({ missing }) => missing);
  const after = total(next, ({ missing }) => missing);
  if (before.lost > 0 && after.lost > 0) return null;
  const head = { ...headOf('loss', base, next, before, after), bar: threshold };
  if (before.lost === 0 && after.lost === 0)
    return { ...head, outcome: 'no change', rule: 'nothing in either', note: null };
  const larger = Math.max(shareOf(before), shareOf(after)) > threshold;
  const direction = after.lost > 0 ? 'regression' : 'improvement';
  return {
    ...head,
    outcome: larger ? direction : 'no change',
    rule: 'new loss',
    note:
      after.lost > 0
        ? `${after.lost} calls lost where there was no loss${larger ? '' : ', a share that does not count'}`
        : `none lost any more, of ${before.lost}`,
  };
}

/** Silent loss counts from the first call: books that do not balance prove nothing else of that collector either. */
export function newUnreported(base: readonly LossOfRound[], next: readonly LossOfRound[]): Change | null {
  const before = total(base, ({ unreported }) => unreported);
  const after = total(next, ({ unreported }) => unreported);
  if (before.lost > 0 && after.lost > 0) return null;
  const head = { ...headOf('unreported', base, next, before, after), bar: 0 };
  if (before.lost === 0 && after.lost === 0)
    return { ...head, outcome: 'no change', rule: 'nothing in either', note: null };
  return {
    ...head,
    outcome: after.lost > 0 ? 'regression' : 'improvement',
    rule: 'new unreported loss',
    note:
      after.lost > 0
        ? `${after.lost} calls lost that the mechanism does not admit, where there were none`
        : `no unreported loss any more, of ${before.lost}`,
  };
}

/** Trials whose accounting ended in an error, by number; null where there is none to speak of. */
export function newErrors(
  base: { readonly errors: number; readonly trials: number },
  next: { readonly errors: number; readonly trials: number },
): Change | null {
  if (base.errors === 0 && next.errors === 0) return null;
  const fresh = base.errors === 0;
  return {
    ...UNTESTED,
    quantity: 'books',
    unit: 'trials',
    base: base.errors,
    next: next.errors,
    rounds: { base: base.trials, next: next.trials },
    relative: false,
    bar: 0,
    outcome: fresh ? 'regression' : next.errors === 0 ? 'improvement' : 'no change',
    rule: 'new accounting error',
    note: fresh
      ? `accounting errors in ${next.errors} of ${next.trials} trials, where there were none`
      : `accounting errors in ${base.errors} of ${base.trials} trials before: loss figures of BASE mean little`,
  };
}

function headOf(
  quantity: 'loss' | 'unreported',
  base: readonly LossOfRound[],
  next: readonly LossOfRound[],
  before: Share,
  after: Share,
) {
  return {
    ...UNTESTED,
    quantity,
    unit: 'fraction' as const,
    base: shareOf(before),
    next: shareOf(after),
    rounds: { base: base.length, next: next.length },
    relative: false,
  };
}

function total(rounds: readonly LossOfRound[], lost: (round: LossOfRound) => number): Share {
  return {
    calls: rounds.reduce((sum, { calls }) => sum + calls, 0),
    lost: rounds.reduce((sum, round) => sum + lost(round), 0),
  };
}

function shareOf({ calls, lost }: Share): number {
  return calls === 0 ? 0 : lost / calls;
}
