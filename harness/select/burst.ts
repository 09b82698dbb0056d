/**
 * A burst against bursts that were measured, and where none decides, against the queue model of a capacity study.
 *
 * A measured burst is made at the full speed of the workload under the tracer. It answers for one that is asked for only if it was
 * the harder of the two and came through, or the easier and did not.
 */
import { type QueueFit, queueOf } from '../capacity/fit.ts';
import { beyondMeasured, bounded, withinCpuTime } from '../capacity/planner.ts';
import { type BurstLoad, lossOf } from '../capacity/queue-model.ts';
import { formatFigure } from '../notation.ts';
import type { Cell } from '../result.ts';
import { capacityOf, type MeasuredCapacities } from './capacity.ts';
import { lost } from './load.ts';
import type { Needs, Reason } from './needs.ts';

export interface AskedBurst {
  readonly cells: readonly Cell[];
  readonly needs: Needs;
  readonly burst: NonNullable<Needs['burst']>;
  readonly variant: string;
  readonly capacities: MeasuredCapacities | null;
}

export function burstReason(asked: AskedBurst): Reason {
  const { burst, needs, variant } = asked;
  const calls = (burst.peakPerS * burst.durationMs) / 1000;
  const need = `burst of ${formatFigure(calls)} calls at ${formatFigure(burst.peakPerS)}/s, loss ≤ ${formatFigure(needs.lossFraction * 100)} %`;
  return (
    byCells(asked, calls, need) ??
    byModel(asked, calls, need) ?? {
      need,
      met: 'unknown',
      text: `not measured: ./tracebench capacity --surface --backends ${variant}, then --capacity results/TIME-capacity`,
      cellId: null,
    }
  );
}

function byCells({ cells, needs, burst }: AskedBurst, calls: number, need: string): Reason | null {
  const measured = cells.flatMap((cell) => {
    const { workload, perCallNs } = cell;
    const size = workload.kind === 'stamped' ? (workload.pace?.burstCalls ?? 1) : 1;
    if (size === 1 || perCallNs === null || cell.openLoop === null || cell.trials.reconciled < cell.trials.completed)
      return [];
    return [
      {
        cell,
        size,
        fastest: 1e9 / (perCallNs.low ?? perCallNs.estimate),
        slowest: 1e9 / (perCallNs.high ?? perCallNs.estimate),
      },
    ];
  });
  const reason = (met: 'yes' | 'no', { cell, size, slowest }: (typeof measured)[number]): Reason => ({
    need,
    met,
    text: `${formatFigure(lost(cell) * 100)} % lost of bursts of ${formatFigure(size)} calls at ${formatFigure(slowest)}/s`,
    cellId: cell.cellId,
  });
  const harder = measured.find(
    ({ cell, size, slowest }) => size >= calls && slowest >= burst.peakPerS && lost(cell) <= needs.lossFraction,
  );
  if (harder !== undefined) return reason('yes', harder);
  const easier = measured.find(
    ({ cell, size, fastest }) => size <= calls && fastest <= burst.peakPerS && lost(cell) > needs.lossFraction,
  );
  return easier === undefined ? null : reason('no', easier);
}

function byModel({ cells, needs, burst, variant, capacities }: AskedBurst, calls: number, need: string): Reason | null {
  const row = capacityOf(capacities, variant);
  if (row === null || capacities === null) return null;
  const say = (met: Reason['met'], text: string): Reason => ({ need, met, text, cellId: null, file: capacities.file });
  if (row.buffer === null && row.regime === 'blocks') {
    if (row.capacity === null) return null;
    const { perS, low, high } = row.capacity;
    const met = burst.peakPerS <= (low ?? perS) ? 'yes' : burst.peakPerS > (high ?? perS) ? 'no' : 'unknown';
    return say(
      met,
      `lets ${formatFigure(perS)} calls/s through: ${met === 'yes' ? 'the peak is below' : 'the workload would be slowed to that'}`,
    );
  }
  if (row.surface === null) return null;
  const { surface } = row;
  if (!surface.holds) return say('unknown', 'cannot tell: no queue model describes its losses there');
  const geometry = cells.map(({ terms }) => terms.geometry).find((one) => one !== null) ?? row.geometry;
  if (geometry === null || geometry.callsInFlight === 0) return null;
  const load: BurstLoad = {
    peakPerS: burst.peakPerS,
    burstCalls: calls,
    // All that the average allows come in bursts; without an average, one burst.
    intervalMs:
      needs.ratePerS === undefined ? burst.durationMs : Math.max(burst.durationMs, (calls * 1000) / needs.ratePerS),
    bursts: needs.ratePerS === undefined ? 1 : 20,
  };
  const loss = (fit: QueueFit): number => lossOf(load, queueOf(withinCpuTime(fit, row), geometry.callsInFlight));
  const { value, low, high } = bounded(loss(surface.fit), surface.resampled.map(loss));
  const met = high <= needs.lossFraction ? 'yes' : low > needs.lossFraction ? 'no' : 'unknown';
  const beyond = beyondMeasured(load, surface);
  return say(
    met,
    `${met === 'unknown' ? 'cannot tell: ' : ''}${formatFigure(value * 100)} % [${formatFigure(low * 100)}, ${formatFigure(high * 100)}] lost by the queue model, ` +
      `from one CPU into ${formatFigure(geometry.callsInFlight)} calls in flight${beyond.length === 0 ? '' : `; carried over: ${beyond.join('; ')}`}`,
  );
}
