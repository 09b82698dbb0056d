/** Open-loop trials of one cell → what the cell says of its schedule. */
import type { Cell, CompletedTrial, Interval } from '../result.ts';
import { orderInterval } from '../statistics/order-interval.ts';
import { mergeLatency } from './latency.ts';

/** null in a closed loop, and where no trial was completed. */
export function openLoopOf(counted: readonly CompletedTrial[]): Cell['openLoop'] {
  const loops = counted.flatMap(({ openLoop }) => openLoop ?? []);
  if (loops.length === 0) return null;
  const late = loops.reduce((n, loop) => n + loop.lateBursts, 0);
  const bursts = counted.reduce((n, trial) => n + burstsOf(trial), 0);
  return {
    achievedPerS: orderInterval(loops.map(({ achievedPerS }) => achievedPerS)),
    lateFraction: bursts > 0 ? late / bursts : 0,
    latestNs: Math.max(...loops.map(({ latestNs }) => latestNs)),
    latencyFromDue: mergeLatency(loops.flatMap(({ latencyFromDue }) => latencyFromDue ?? [])),
    collectorCpuFraction: collectorCpu(counted),
  };
}

/** Of all threads. */
function burstsOf({ section, spec: { workload } }: CompletedTrial): number {
  if (section === null || workload.kind !== 'stamped' || workload.pace === undefined) return 0;
  return section.calls / Math.ceil(workload.pace.burstCalls / workload.threads);
}

/** Share of one CPU that the drain thread and the mechanism's kernel threads took while the section lasted. */
function collectorCpu(counted: readonly CompletedTrial[]): Interval | null {
  const shares = counted.flatMap(({ accounting, collector, section }) =>
    accounting.delivers === 'nothing' || section === null || section.durationNs === 0
      ? []
      : (collector.drainCpuNs + collector.kernelCpuNs) / section.durationNs,
  );
  return shares.length > 0 ? orderInterval(shares) : null;
}
