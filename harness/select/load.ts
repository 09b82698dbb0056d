/** How loaded a cell was, and what it lost. */
import type { Cell } from '../result.ts';
import { ACHIEVED_LEAST } from '../summarise/flags.ts';

/** Calls a second: what was offered where that was achieved, else what was; of a closed loop, as fast as it went. */
export function loadOf({ openLoop, perCallNs, workload }: Cell): number {
  if (openLoop !== null) {
    const achieved = openLoop.achievedPerS.low ?? openLoop.achievedPerS.estimate;
    const offered = workload.kind === 'stamped' ? (workload.pace?.ratePerS ?? 0) : 0;
    return achieved >= ACHIEVED_LEAST * offered ? offered : achieved;
  }
  return perCallNs === null ? 0 : 1e9 / (perCallNs.high ?? perCallNs.estimate);
}

export function lost({ deliveredFraction }: Cell): number {
  return 1 - (deliveredFraction ?? 0);
}
