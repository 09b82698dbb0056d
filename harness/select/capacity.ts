/** A rate against what `tracebench capacity` has searched for. */
import type { Capacity, CapacityStudy } from '../capacity/result.ts';
import { formatFigure } from '../notation.ts';
import type { Reason } from './needs.ts';

export interface MeasuredCapacities {
  readonly study: CapacityStudy;
  /** Where it was read. */
  readonly file: string;
}

/** null: no capacity study, or nothing of this variant in it. */
export function capacityOf(capacities: MeasuredCapacities | null, variant: string): Capacity | null {
  return capacities?.study.variants.find((row) => row.variant === variant) ?? null;
}

/**
 * null where there is no search to answer by. A rate within the interval of the searches is not decided: some of them held
 * it and some did not. Nor is one where more, or less, was tolerated than is asked.
 */
export function capacityReason(
  capacities: MeasuredCapacities | null,
  variant: string,
  { ratePerS, lossFraction }: { readonly ratePerS: number; readonly lossFraction: number },
): Reason | null {
  const capacity = capacityOf(capacities, variant)?.capacity ?? null;
  if (capacities === null || capacity === null) return null;
  const { study, file } = capacities;
  const { perS, low, high, meaning } = capacity;
  const need = `capacity ≥ ${formatFigure(ratePerS)} calls/s of ${study.workload}`;
  const lossSaid = `at most ${formatFigure(study.criteria.lossFraction * 100)} % lost`;
  const interval =
    low === null && high === null ? '' : ` [${formatFigure(low ?? 0)}, ${high === null ? '∞' : formatFigure(high)}]`;
  const said: Readonly<Record<typeof meaning, string>> = {
    held: `holds ${formatFigure(perS)}${interval} calls/s, ${lossSaid}`,
    'at-least': `holds at least ${formatFigure(perS)}${interval} calls/s, the load generator's limit, ${lossSaid}`,
    'less-than': `not even ${formatFigure(perS)} calls/s are held`,
    'let-through': `lets ${formatFigure(perS)}${interval} calls/s through`,
  };
  // Without an interval the median stands for both ends; what the generator could not offer has no upper one.
  const least = meaning === 'less-than' ? 0 : (low ?? perS);
  const most = meaning === 'at-least' ? Number.POSITIVE_INFINITY : (high ?? perS);
  const found = ratePerS <= least ? 'yes' : ratePerS > most ? 'no' : 'unknown';
  const tolerated = meaning === 'let-through' ? lossFraction : study.criteria.lossFraction;
  const told = found === 'yes' ? tolerated <= lossFraction : tolerated >= lossFraction;
  const met = told ? found : 'unknown';
  const text = met === 'unknown' ? `${said[meaning]}: cannot tell` : said[meaning];
  return { need, met, text, cellId: null, file };
}
