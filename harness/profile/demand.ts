/** A profile as what the planner is asked for. Pure, but for a profile that holds nothing to plan with. */
import type { Demand } from '../capacity/planner.ts';
import { usageError } from '../errors.ts';
import type { Profile } from './result.ts';

/** Of the profile's calls that are the measured workload's own, at least so many, or its mix is another. */
const SAME_MIX = 0.9;
const NAMED = 3;
/** Of the time, in windows that were read late: below, peaks are what they are. */
const LATE_TOLD = 0.01;

type FromProfile = Pick<Demand, 'ratePerS' | 'burst' | 'otherBursts' | 'source' | 'beyond'>;

/** `from` is where it was read; `workload` is what the capacities were measured with. Throws a usage error for one without calls. */
export function demandOf(
  profile: Profile,
  from: string,
  workload: { readonly name: string; readonly stamped: readonly string[] },
): FromProfile {
  const { meanPerS, burst, windows, durationNs, calls } = profile;
  if (calls === 0) throw usageError(`--profile: ${from} holds no calls`, 'profile the system while it works');
  const beyond: string[] = [];
  const same = profile.mix
    .filter(({ name }) => workload.stamped.includes(name))
    .reduce((sum, { share }) => sum + share, 0);
  if (same < SAME_MIX) {
    const most = profile.mix.slice(0, NAMED).map(({ name, share }) => `${name} ${percents(share)}`);
    beyond.push(
      `calls: ${most.join(', ')}${profile.mix.length > NAMED ? ' …' : ''}, measured with ${workload.name} (${workload.stamped.join(', ') || 'calls not known'}): ` +
        'as if each cost the collector the same',
    );
  }
  if (windows.lateNs > LATE_TOLD * durationNs) {
    beyond.push(
      `peaks: ${percents(windows.lateNs / durationNs)} of the profile's time was read late, and is flattened`,
    );
  }
  const missed = profile.counters.some(({ place, count }) => place !== 'health' && count > 0);
  if (missed) beyond.push('rate: the profile missed calls, and is the least there was');
  return {
    ratePerS: meanPerS,
    burst: burst && { peakPerS: Math.max(burst.peakPerS, meanPerS), durationMs: burst.durationMs },
    otherBursts: profile.peaks
      .filter(({ windowMs, perS }) => windowMs !== burst?.durationMs && perS > meanPerS)
      .map(({ windowMs, perS }) => ({ peakPerS: perS, durationMs: windowMs })),
    source:
      burst === null
        ? `From ${from}: no window held more than the average.`
        : `From ${from}: the burst is its peak over ${burst.durationMs} ms, the one with the most calls beyond the average; each backend is sized by the peak, over whatever width, that asks most of it.`,
    beyond,
  };
}

function percents(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
