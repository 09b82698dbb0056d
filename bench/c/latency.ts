/** Delivery latency in an open loop, and what a lower one costs: the wake-up policies of the reference collector at one rate. */
import type { CompletedTrial, TrialSpec } from '../../harness/result.ts';
import { wakeupText } from '../../harness/result-words.ts';
import { orderInterval } from '../../harness/statistics/order-interval.ts';
import type { Check, Line } from '../check.ts';
import { type Contender, interleave } from '../interleave.ts';
import { trial } from '../trials.ts';

const ROUNDS = 12;
const RATE_PER_S = 10_000;
const CALLS = 10_000;
const P99_MOST_NS = 1e6;
const CPU_MOST = 0.1;
/** The default's own first: the bounds are its. */
const WAKEUPS: readonly TrialSpec['wakeup'][] = [
  { kind: 'timer', value: 200 },
  { kind: 'timer', value: 50 },
  { kind: 'timer', value: 1000 },
  { kind: 'timer', value: 10_000 },
];
const VARIANTS = [
  { variant: 'ebpf', wakeups: WAKEUPS },
  { variant: 'ebpf/ringbuf', wakeups: [{ kind: 'adaptive' }] },
] as const;

interface Measured {
  readonly name: string;
  readonly trials: CompletedTrial[];
}

function contender(variant: string, wakeup: TrialSpec['wakeup'], keep: CompletedTrial[]): Contender {
  return {
    name: `${variant} ${wakeupText(wakeup)}`,
    async measure() {
      const workload = {
        kind: 'stamped',
        name: 'null',
        calls: CALLS,
        threads: 1,
        seed: 1,
        pace: { ratePerS: RATE_PER_S, burstCalls: 1 },
      } as const;
      const done = await trial({ variant, workload: 'null', calls: CALLS, changes: { wakeup, workload } });
      keep.push(done);
      return done.latency?.p99Ns ?? Number.NaN;
    },
  };
}

function cpuShare({ collector, section }: CompletedTrial): number {
  return (collector.drainCpuNs + collector.kernelCpuNs) / (section?.durationNs ?? Number.NaN);
}

export const latency: Check = {
  name: 'latency',
  title: `latency at ${RATE_PER_S} calls a second, open loop: p99 and collector CPU of the default, and the other wake-ups`,
  async run({ seed, say }) {
    const measured: Measured[] = [];
    const contenders = VARIANTS.flatMap(({ variant, wakeups }) =>
      wakeups.map((wakeup) => {
        const trials: CompletedTrial[] = [];
        const one = contender(variant, wakeup, trials);
        measured.push({ name: one.name, trials });
        return one;
      }),
    );
    await interleave(contenders, ROUNDS, 1, seed, (text) => say(`latency ${text}`));
    return measured.flatMap(({ name, trials }, i): Line[] => {
      const counted = trials.slice(-ROUNDS);
      const p99 = orderInterval(counted.map((t) => t.latency?.p99Ns ?? Number.NaN));
      const p50 = orderInterval(counted.map((t) => t.latency?.p50Ns ?? Number.NaN));
      const cpu = orderInterval(counted.map(cpuShare));
      const bound = i === 0;
      const off = counted.filter((t) => t.accounting.delivers !== 'records' || t.accounting.missing !== 0).length;
      const line = (what: string, unit: string, scale: number, x: typeof p99, most: number | null): Line => ({
        name: `latency ${name}: ${what}, median of ${counted.length} trials`,
        value: x.estimate / scale,
        unit,
        low: x.low === null ? null : x.low / scale,
        high: x.high === null ? null : x.high / scale,
        bound: most === null ? 'reported' : `< ${most / scale} (upper end)`,
        pass: most === null || (x.high ?? Number.POSITIVE_INFINITY) < most,
        ...(off > 0 ? { note: `${off} trials lost records` } : {}),
      });
      return [
        line('p99', 'µs', 1000, p99, bound ? P99_MOST_NS : null),
        line('p50', 'µs', 1000, p50, null),
        line('collector, share of one CPU', '%', 0.01, cpu, bound ? CPU_MOST : null),
      ];
    });
  },
};
