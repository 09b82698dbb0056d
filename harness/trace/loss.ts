/** What the mechanism admits to have lost, in calls. */
import type { Counter, LossRelation } from '../backend.ts';

export interface LostCalls {
  readonly min: number;
  /** null: the relation of the counters to calls has no upper bound. */
  readonly max: number | null;
  /** The counters that are not zero, in their own units. */
  readonly counters: readonly Counter[];
}

/**
 * Records that the kernel and the decoder lost go through the variant's relation; what was lost on the bridge is whole
 * records, which are calls, and what is counted in calls is calls. Bytes cannot be converted: they make the upper bound
 * unknown.
 */
export function lostCalls(counters: readonly Counter[], relation: LossRelation, bridgeLostRecords: number): LostCalls {
  const bridge: Counter = { name: 'bridge_lost', place: 'bridge', unit: 'record', count: bridgeLostRecords };
  const losses = [...counters, bridge].filter((c) => c.place !== 'health' && c.count > 0);
  let records = 0;
  let calls = 0;
  let bytes = 0;
  for (const { place, unit, count } of losses) {
    if (unit === 'bytes') bytes += count;
    else if (unit === 'call' || place === 'bridge') calls += count;
    else records += count;
  }
  const min = records === 0 || relation.max === 0 ? 0 : Math.ceil(records / relation.max);
  const max = records === 0 ? 0 : relation.min === 0 ? null : Math.floor(records / relation.min);
  return {
    min: calls + min,
    max: bytes > 0 || max === null ? null : calls + Math.max(min, max),
    counters: losses,
  };
}

/** `lost 12 calls (ring_full: 12 records)`. */
export function renderLost(lost: LostCalls): string {
  const amount =
    lost.max === lost.min
      ? `${lost.min}`
      : lost.max === null
        ? `at least ${lost.min}`
        : `between ${lost.min} and ${lost.max}`;
  const parts = lost.counters.map(
    (c) => `${c.name}: ${c.count} ${c.unit}${c.unit === 'bytes' || c.count === 1 ? '' : 's'}`,
  );
  const unit = lost.min === 1 && lost.max === 1 ? 'call' : 'calls';
  return `lost ${amount} ${unit}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}
