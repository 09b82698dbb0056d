/**
 * From measured capacities to what a fleet needs. Pure arithmetic on a capacity study; what is carried beyond what was
 * measured is said with every answer.
 *
 * Assumed: calls and bursts spread evenly over a host's CPUs, each CPU's own buffer takes its share, and drain threads with
 * buffers of their own serve as fast as the one that was measured. A shared buffer has one server, however many CPUs.
 */
import { formatFigure } from '../notation.ts';
import type { QueueFit } from './fit.ts';
import { queueOf } from './fit.ts';
import { type BurstLoad, bufferFor, lossOf } from './queue-model.ts';
import type { Capacity, CapacityStudy } from './result.ts';

export interface Burst {
  readonly peakPerS: number;
  readonly durationMs: number;
}

export interface Demand {
  /** Of one host, on average. */
  readonly ratePerS: number;
  /** null: evenly spaced. Beside the average, which it is part of. */
  readonly burst: Burst | null;
  /**
   * Of one load seen through other windows: which of them asks for most depends on how fast a collector is and how long it
   * sleeps, so each backend is planned for its own worst.
   */
  readonly otherBursts?: readonly Burst[] | undefined;
  /** Of one host. */
  readonly cpus: number;
  readonly hosts: number;
  readonly lossFraction: number;
  /** Where rate and burst come from, when they were not typed. */
  readonly source?: string | undefined;
  /** What of the demand itself lies beyond the workload that was measured. */
  readonly beyond?: readonly string[] | undefined;
}

export interface Bounds {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export type Answer =
  | { readonly variant: string; readonly cannot: string }
  | {
      readonly variant: string;
      readonly cannot: null;
      readonly drainThreads: number;
      /** CPUs of one host that the collector uses on average; null: what a call costs it was not measured. */
      readonly collectorCpus: number | null;
      /** Of one host, all buffers; null: nothing is buffered. */
      readonly bufferCalls: Bounds | null;
      readonly bufferBytes: Bounds | null;
      /** The mechanism's own setting and its value; null: nothing is buffered, or nobody sets it by hand. */
      readonly setting: { readonly name: string; readonly value: number } | null;
      /** With that buffer, of all calls. */
      readonly lossFraction: number;
      /** How old the oldest waiting record of a burst is when it is read, at most. */
      readonly worstDelayMs: number | null;
      /** That it is planned for. */
      readonly burst: Burst | null;
      /** What of this was not measured but carried over, and by which law. */
      readonly extrapolated: readonly string[];
    };

/** Ends of the interval over resampled fits. */
const LOW = 0.05;
const HIGH = 0.95;
/** No collector is planned to be busier than so: what comes beside its work would make it late. */
const BUSY_MOST = 0.8;
/** Of a burst in the plan: more change nothing once the queue empties between them. */
const BURSTS = 20;

/** One answer a variant, in the order of the study. */
export function planFleet(study: CapacityStudy, demand: Demand): Answer[] {
  const bursts = [demand.burst, ...(demand.otherBursts ?? [])];
  return study.variants.map((row) => worst(bursts.map((burst) => answerFor(row, study, { ...demand, burst }))));
}

/** What cannot be, else what needs the largest buffer; the first of equals. */
function worst(answers: readonly Answer[]): Answer {
  const asks = (answer: Answer): number =>
    answer.cannot !== null ? Number.POSITIVE_INFINITY : (answer.bufferCalls?.high ?? 0);
  return answers.reduce((most, answer) => (asks(answer) > asks(most) ? answer : most));
}

function answerFor(row: Capacity, study: CapacityStudy, demand: Demand): Answer {
  const { variant, capacity, surface, buffer, regime } = row;
  const cannot = (why: string): Answer => ({ variant, cannot: why });
  if (capacity === null) return cannot('its capacity was not measured');
  const extrapolated: string[] = [...(demand.beyond ?? [])];
  if (demand.cpus !== study.environment.cpusOnline) {
    extrapolated.push(`${demand.cpus} CPUs from ${study.environment.cpusOnline}: linear, calls spread evenly`);
  }

  if (buffer === null) {
    if (capacity.meaning === 'less-than')
      return cannot(`does not hold ${formatFigure(capacity.perS)}/s, the least rate tried`);
    // The workload waits: each CPU makes what is let through, and no more.
    const most = capacity.perS * (regime === 'blocks' ? demand.cpus : 1);
    const peak = demand.burst?.peakPerS ?? demand.ratePerS;
    if (peak > most)
      return cannot(
        `lets ${formatFigure(most)}/s through on ${demand.cpus} CPUs: the workload would be slowed to that`,
      );
    return {
      variant,
      cannot: null,
      drainThreads: demand.cpus,
      collectorCpus: collectorCpus(row, demand),
      bufferCalls: null,
      bufferBytes: null,
      setting: null,
      lossFraction: 0,
      worstDelayMs: null,
      burst: demand.burst,
      extrapolated,
    };
  }

  if (surface === null) return cannot('its loss surface was not measured: capacity --surface');
  if (!surface.holds) return cannot('no queue model describes its losses here, so none is planned with');
  const within = (fit: QueueFit): QueueFit => withinCpuTime(fit, row);
  const fit = within(surface.fit);
  const most = BUSY_MOST * fit.servedPerS;
  const threads = Math.max(1, Math.ceil(demand.ratePerS / most));
  if (threads > 1 && !buffer.perCpu)
    return cannot(`one collector serves ${formatFigure(fit.servedPerS)}/s, and its buffer cannot be shared out`);
  if (threads > demand.cpus) return cannot(`needs ${threads} drain threads, more than ${demand.cpus} CPUs`);
  if (threads > 1) extrapolated.push(`${threads} drain threads from 1: linear, each with CPUs of its own`);

  const load = shareOf(demand, threads);
  extrapolated.push(...beyondMeasured(load, surface));
  const needed = (by: QueueFit): number | null => {
    const calls = bufferFor(load, by, demand.lossFraction);
    return calls === null ? null : (Math.max(1, calls) / by.bufferShare) * threads;
  };
  const estimate = needed(fit);
  if (estimate === null) return cannot(`more comes than ${threads} drain threads serve`);
  const bufferCalls = bounded(
    estimate,
    surface.resampled.map((one) => needed(within(one)) ?? Number.POSITIVE_INFINITY),
  );
  const bytes = (calls: number): number => calls * buffer.bytesPerCall;
  const queue = queueOf(fit, bufferCalls.value / threads);
  return {
    variant,
    cannot: null,
    drainThreads: threads,
    collectorCpus: collectorCpus(row, demand),
    bufferCalls,
    bufferBytes: { value: bytes(bufferCalls.value), low: bytes(bufferCalls.low), high: bytes(bufferCalls.high) },
    // By the upper end: what is set must suffice.
    setting: settingOf(buffer, bytes(bufferCalls.high), demand.cpus),
    lossFraction: lossOf(load, queue),
    worstDelayMs: 2 * fit.pauseMs + (Math.min(load.burstCalls, queue.bufferCalls) * 1000) / fit.servedPerS,
    burst: demand.burst,
    extrapolated,
  };
}

/**
 * Bursts do not tell how fast a collector serves that is faster than anything that came: no drain thread is planned to be faster
 * than the CPU time that a call costs it.
 */
export function withinCpuTime(fit: QueueFit, { collectorNsPerCall }: Capacity): QueueFit {
  const mostPerS = collectorNsPerCall === null ? Number.POSITIVE_INFINITY : 1e9 / collectorNsPerCall;
  return { ...fit, servedPerS: Math.min(fit.servedPerS, mostPerS) };
}

function collectorCpus({ collectorNsPerCall }: Capacity, { ratePerS }: Demand): number | null {
  return collectorNsPerCall === null ? null : (ratePerS * collectorNsPerCall) / 1e9;
}

/** What one drain thread sees of the host's load. */
function shareOf({ ratePerS, burst }: Demand, threads: number): BurstLoad {
  if (burst === null)
    return { peakPerS: ratePerS / threads, burstCalls: ratePerS / threads, intervalMs: 1000, bursts: 1 };
  const burstCalls = (burst.peakPerS * burst.durationMs) / 1000;
  return {
    peakPerS: burst.peakPerS / threads,
    burstCalls: burstCalls / threads,
    // All calls in bursts: the worst that an average allows.
    intervalMs: Math.max(burst.durationMs, (burstCalls * 1000) / ratePerS),
    bursts: BURSTS,
  };
}

function settingOf({ perCpu, knob }: NonNullable<Capacity['buffer']>, bytes: number, cpus: number) {
  if (knob === null || !Number.isFinite(bytes)) return null;
  const units = Math.ceil(bytes / (perCpu ? cpus : 1) / knob.unitBytes);
  return { name: knob.name, value: knob.powerOfTwo ? 2 ** Math.ceil(Math.log2(units)) : units };
}

/** In what a load lies outside of the points that the model was fitted to and tested on. */
export function beyondMeasured(load: BurstLoad, { fitted, tested }: NonNullable<Capacity['surface']>): string[] {
  const points = [...fitted, ...tested];
  const said: string[] = [];
  const range = (what: string, value: number, of: (load: BurstLoad) => number): void => {
    const values = points.map((point) => of(point.load));
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (value < least * 0.9 || value > most * 1.1)
      said.push(
        `${what} ${formatFigure(value)}, measured ${formatFigure(least)} to ${formatFigure(most)}: by the queue model`,
      );
  };
  range('calls of a burst and drain thread', load.burstCalls, ({ burstCalls }) => burstCalls);
  range('peak calls a second and drain thread', load.peakPerS, ({ peakPerS }) => peakPerS);
  return said;
}

/** `value` between the ends of the same over resampled fits. */
export function bounded(value: number, resampled: readonly number[]): Bounds {
  const sorted = [...resampled].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? value;
  return { value, low: Math.min(value, at(LOW)), high: Math.max(value, at(HIGH)) };
}
