/**
 * The search for the highest offered rate that a backend holds. Pure: how a rate is tried comes in as a function, so that
 * the search can be tested on backends whose capacity is known.
 */

/** One trial at one rate. */
export interface Attempt {
  /** null: a closed loop, as fast as it goes. */
  readonly offeredPerS: number | null;
  readonly achievedPerS: number;
  readonly lossFraction: number;
}

export interface Criteria {
  /** Loss up to this is none. */
  readonly lossFraction: number;
  /** From this share of the offered rate on it counts as achieved. */
  readonly achievedLeast: number;
  /** The search ends when what holds and what does not are apart by less than this, relative. */
  readonly resolution: number;
  /** Nothing below this is tried. */
  readonly leastPerS: number;
}

export type SearchOutcome =
  /** `held` was held and `failed` was not. */
  | { readonly kind: 'found'; readonly heldPerS: number; readonly failedPerS: number }
  /** Nothing was lost at full speed: the load generator ended there, or a backend that blocks held it back. */
  | { readonly kind: 'generator-limit'; readonly heldPerS: number }
  /** Not even the least rate was held. */
  | { readonly kind: 'below-least'; readonly failedPerS: number };

export interface Search {
  readonly outcome: SearchOutcome;
  readonly attempts: readonly Attempt[];
}

/** A rate counts as held when two of at most three trials held it: one look of the scheduler elsewhere decides nothing. */
const NEEDED = 2;

export function holds({ offeredPerS, achievedPerS, lossFraction }: Attempt, criteria: Criteria): boolean {
  const achieved = offeredPerS === null || achievedPerS >= criteria.achievedLeast * offeredPerS;
  return achieved && lossFraction <= criteria.lossFraction;
}

/**
 * Full speed first; where that loses, halves the rate until one is held, then halves the gap, in the logarithm. Rejects
 * with what `attempt` rejects with.
 */
export async function searchCapacity(
  attempt: (offeredPerS: number | null) => Promise<Attempt>,
  criteria: Criteria,
): Promise<Search> {
  const attempts: Attempt[] = [];
  const tried = async (offeredPerS: number | null): Promise<{ held: boolean; achievedPerS: number }> => {
    const votes = { held: 0, failed: 0 };
    let achievedPerS = 0;
    while (votes.held < NEEDED && votes.failed < NEEDED) {
      const one = await attempt(offeredPerS);
      attempts.push(one);
      achievedPerS = Math.max(achievedPerS, one.achievedPerS);
      if (holds(one, criteria)) votes.held++;
      else votes.failed++;
    }
    return { held: votes.held === NEEDED, achievedPerS };
  };

  const full = await tried(null);
  if (full.held) return { outcome: { kind: 'generator-limit', heldPerS: lowestHeld(attempts, criteria) }, attempts };

  let failedPerS = full.achievedPerS;
  let heldPerS: number | null = null;
  while (heldPerS === null) {
    if (failedPerS <= criteria.leastPerS) return { outcome: { kind: 'below-least', failedPerS }, attempts };
    const half = Math.max(criteria.leastPerS, Math.round(failedPerS / 2));
    if ((await tried(half)).held) heldPerS = half;
    else failedPerS = half;
  }
  while (failedPerS / heldPerS > 1 + criteria.resolution) {
    const middle = Math.round(Math.sqrt(failedPerS * heldPerS));
    if (middle <= heldPerS || middle >= failedPerS) break; // whole calls a second are as fine as it gets
    if ((await tried(middle)).held) heldPerS = middle;
    else failedPerS = middle;
  }
  return { outcome: { kind: 'found', heldPerS, failedPerS }, attempts };
}

/** What was surely held: the slower of the trials that held. */
function lowestHeld(attempts: readonly Attempt[], criteria: Criteria): number {
  return Math.min(...attempts.filter((one) => holds(one, criteria)).map(({ achievedPerS }) => achievedPerS));
}
