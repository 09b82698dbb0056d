/** Trials of a cell → what was lost trial by trial, for tables of starved collectors. */
import { starvationOf } from '../plan/starvation.ts';
import type { Cell, CompletedTrial, Plan } from '../result.ts';
import { orderInterval } from '../statistics/order-interval.ts';

/** Whether its collector was kept from its work: then nothing but the table of such cells shows its figures as the backend's. */
export function isStarved({ terms }: Cell): boolean {
  return terms.starvation !== undefined;
}

/** Whether a plan starves any collector. */
export function starvesAny({ cells }: Plan): boolean {
  return cells.some(({ trial }) => starvationOf(trial) !== null);
}

/** Absent where there are no records of a section. */
export function lossByTrial(counted: readonly CompletedTrial[]): Cell['lossByTrial'] {
  const lost = counted.flatMap(({ accounting, section }) =>
    accounting.delivers === 'records' && section !== null && accounting.issued > 0
      ? [{ calls: accounting.missing, fraction: accounting.missing / accounting.issued }]
      : [],
  );
  if (lost.length === 0) return undefined;
  const throttled = counted.flatMap(({ throttling }) =>
    throttling === undefined || throttling.elapsedNs === 0 ? [] : throttling.throttledNs / throttling.elapsedNs,
  );
  return {
    fraction: orderInterval(lost.map(({ fraction }) => fraction)),
    calls: orderInterval(lost.map(({ calls }) => calls)),
    missing: lost.reduce((sum, { calls }) => sum + calls, 0),
    throttledFraction: throttled.length === 0 ? null : orderInterval(throttled),
  };
}
