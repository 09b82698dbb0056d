/** Searches of one variant → its capacity, with the interval of the median over searches. */
import { orderRank } from '../statistics/order-interval.ts';
import type { Capacity } from './result.ts';
import type { Search, SearchOutcome } from './search.ts';

/** Searches that ended at the load generator's limit are above every rate found, those below the least below. */
function rank(outcome: SearchOutcome): number {
  if (outcome.kind === 'generator-limit') return Number.POSITIVE_INFINITY;
  return outcome.kind === 'found' ? outcome.heldPerS : Number.NEGATIVE_INFINITY;
}

/** null without searches. */
export function capacityOf(searches: readonly Search[], regime: Capacity['regime']): Capacity['capacity'] {
  const sorted = searches.map(({ outcome }) => outcome).sort((a, b) => rank(a) - rank(b) || rateOf(a) - rateOf(b));
  // Of an even number the lower of the two in the middle: a rate that was held, not one between two.
  const median = sorted[(sorted.length - 1) >> 1];
  if (median === undefined) return null;
  const bound = orderRank(sorted.length);
  const low = bound && (sorted[bound.rank - 1] as SearchOutcome);
  const high = bound && (sorted[sorted.length - bound.rank] as SearchOutcome);
  // A backend that makes the workload wait ends where it lets no more through, and a rate let through has an upper end.
  const blocks = regime === 'blocks';
  return {
    perS: rateOf(median),
    low: low && low.kind !== 'below-least' ? rateOf(low) : null,
    high: high && (high.kind !== 'generator-limit' || blocks) ? rateOf(high) : null,
    confidence: bound?.coverage ?? 0,
    meaning: meaningOf(median, blocks),
  };
}

function rateOf(outcome: SearchOutcome): number {
  return outcome.kind === 'below-least' ? outcome.failedPerS : outcome.heldPerS;
}

function meaningOf({ kind }: SearchOutcome, blocks: boolean): NonNullable<Capacity['capacity']>['meaning'] {
  if (kind === 'found') return 'held';
  if (kind === 'below-least') return 'less-than';
  return blocks ? 'let-through' : 'at-least';
}
