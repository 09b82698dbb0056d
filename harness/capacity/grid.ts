/**
 * Loss over rate × burst × calls in flight, as a plain grid: each variant at shares of its own full speed, evenly and in bursts
 * that keep the same average, into buffers of three sizes. Every point several times, the variants in turn and all in shuffled
 * order, so that a bad minute of the machine falls on all alike. Nothing is fitted; a queue that was fitted elsewhere predicts.
 */
import type { BufferTerms } from '../backend.ts';
import type { Machine } from '../machine/machine.ts';
import { bytesForCalls } from '../plan/buffer.ts';
import { TRIAL_START_MS } from '../plan/costs.ts';
import type { Random } from '../random.ts';
import type { TrialResult, TrialSpec } from '../result.ts';
import { nsPerCall } from '../result-figures.ts';
import { median } from '../statistics/describe.ts';
import { ACHIEVED_LEAST } from '../summarise/flags.ts';
import { type QueueFit, queueOf } from './fit.ts';
import { lossOf } from './queue-model.ts';
import type { GridPoint } from './result.ts';
import { type TrialTerms, Unusable } from './run.ts';

/** From what a collector's sleep overruns to what it does not: 100 calls are some 50 µs of full speed. */
const CALLS_IN_FLIGHT = [100, 1000, 10_000] as const;
/** 1: evenly spaced. */
const BURST_CALLS = [1, 1000, 10_000, 100_000] as const;
/** Of full speed, beside it. */
const RATE_SHARES = [1 / 256, 1 / 64, 1 / 16, 1 / 4] as const;
/** A number that was asked for is read by people. */
const RATE_DIGITS = 2;

export interface GridOptions {
  readonly sectionMs: number;
  /** Trials of each point. */
  readonly repeats: number;
}

export interface GridSubject {
  readonly variant: string;
  readonly trial: TrialTerms;
  readonly buffer: BufferTerms;
  /** Closed loop, as traced. */
  readonly fullSpeedPerS: number;
}

export interface GridRun extends GridOptions {
  readonly subjects: readonly GridSubject[];
  readonly machine: Machine;
  readonly random: Random;
  readonly runTrial: (spec: TrialSpec) => Promise<TrialResult>;
  readonly stop: AbortSignal;
  readonly told: (done: number, of: number) => void;
}

interface PointPlan {
  readonly callsInFlight: number;
  /** On average; null: as fast as it goes. */
  readonly offeredPerS: number | null;
  readonly burstCalls: number;
  /** Of a burst that is followed by no other within the section, 1. Evenly spaced: null. */
  readonly bursts: number | null;
  readonly calls: number;
}

type GridTrial = GridPoint['trials'][number];

export interface GridFound {
  readonly points: GridPoint[];
  readonly failures: string[];
}

/** How long `subjects` variants take, roughly: a section is hardly longer than asked, whatever the full speed. */
export function predictedGridMs(subjects: number, { sectionMs, repeats }: GridOptions): number {
  return subjects * planPoints(1e6, sectionMs).length * repeats * (sectionMs + TRIAL_START_MS);
}

/** Sections with which a grid takes about `ms`; 0 where its trials alone take longer to start. */
export function gridSectionFor(ms: number, subjects: number, repeats: number): number {
  const trials = subjects * planPoints(1e6, 1).length * repeats;
  return Math.max(0, Math.floor(ms / trials - TRIAL_START_MS));
}

/** At full speed there is no burst: nothing lies between two of them. */
function planPoints(fullSpeedPerS: number, sectionMs: number): PointPlan[] {
  const due = (perS: number): number => Math.max(2, Math.ceil((perS * sectionMs) / 1000));
  const rates = RATE_SHARES.map((share) => Math.max(1, Number((share * fullSpeedPerS).toPrecision(RATE_DIGITS))));
  return CALLS_IN_FLIGHT.flatMap((callsInFlight) =>
    BURST_CALLS.flatMap((burstCalls): PointPlan[] => {
      if (burstCalls > 1) {
        return rates.map((offeredPerS) => {
          const bursts = Math.max(1, Math.floor(due(offeredPerS) / burstCalls));
          return { callsInFlight, offeredPerS, burstCalls, bursts, calls: bursts * burstCalls };
        });
      }
      const even = { callsInFlight, burstCalls, bursts: null };
      return [
        ...rates.map((offeredPerS) => ({ ...even, offeredPerS, calls: due(offeredPerS) })),
        { ...even, offeredPerS: null, calls: due(fullSpeedPerS) },
      ];
    }),
  );
}

/** By variant, with what there is when `stop` is aborted. A trial that cannot count is left out, and says why. */
export async function runGrid(run: GridRun): Promise<Map<string, GridFound>> {
  const found = new Map<string, GridFound>();
  const tasks = run.subjects.flatMap((subject) => {
    const own: GridFound = { points: [], failures: [] };
    found.set(subject.variant, own);
    const tooMuch = (calls: number): boolean =>
      bytesForCalls(subject.buffer, calls, run.machine) > run.machine.memoryBytes / 4;
    for (const calls of CALLS_IN_FLIGHT.filter(tooMuch))
      own.failures.push(`${calls} calls in flight take more than a quarter of this machine's memory`);
    return planPoints(subject.fullSpeedPerS, run.sectionMs).flatMap((plan) => {
      const { calls: _, ...asked } = plan;
      const point: GridPoint = {
        ...asked,
        callsInFlightHad: null,
        trials: [],
        offered: 'not-measured',
        predictedLoss: null,
      };
      own.points.push(point);
      return tooMuch(plan.callsInFlight) ? [] : [{ subject, plan, point, own }];
    });
  });
  for (let repeat = 0, done = 0; repeat < run.repeats; repeat++) {
    for (const { subject, plan, point, own } of run.random.shuffle(tasks)) {
      if (run.stop.aborted) return found;
      try {
        const result = await run.runTrial(specOf(subject, plan, run.machine, repeat));
        const { trial, callsInFlight } = readTrial(result);
        point.trials.push(trial);
        point.callsInFlightHad = callsInFlight;
        point.offered = wasOffered(point) ? 'held' : 'not-achieved';
      } catch (error) {
        if (run.stop.aborted) return found;
        if (!(error instanceof Unusable)) throw error;
        own.failures.push(`${plan.callsInFlight} calls in flight, bursts of ${plan.burstCalls}: ${error.message}`);
      }
      run.told(++done, run.repeats * tasks.length);
    }
  }
  return found;
}

/** A burst with no other after it is a closed loop of so many calls. */
function specOf({ trial, buffer, variant }: GridSubject, plan: PointPlan, machine: Machine, repeat: number): TrialSpec {
  const { workload } = trial;
  if (workload.kind !== 'stamped') throw new TypeError('only stamped workloads can be paced');
  const { callsInFlight, offeredPerS, burstCalls, bursts, calls } = plan;
  const paced = offeredPerS !== null && bursts !== 1;
  const { pace: _, ...unpaced } = workload;
  return {
    ...trial,
    trialId: `${variant}@${callsInFlight}x${burstCalls}/${offeredPerS ?? 'full'}#${repeat}`,
    round: repeat,
    order: 0,
    warmup: false,
    inFlight: callsInFlight,
    bufferBytes: bytesForCalls(buffer, callsInFlight, machine),
    workload: { ...unpaced, calls, ...(paced ? { pace: { ratePerS: offeredPerS, burstCalls } } : {}) },
  };
}

function readTrial(result: TrialResult): { trial: GridTrial; callsInFlight: number } {
  if (result.status === 'failed') throw new Unusable(`${result.error.code}: ${result.error.message}`);
  const { accounting, section, geometry } = result;
  if (accounting.delivers !== 'records' || section === null)
    throw new Unusable('the trial delivered no records of a section');
  const perCallNs = nsPerCall(result);
  if (perCallNs === null) throw new Unusable('the section has no time beside its waiting');
  if (accounting.verdict !== 'reconciled') throw new Unusable(accounting.reasons.join('; ') || accounting.verdict);
  const trial = {
    achievedPerS: (section.calls * 1e9) / section.durationNs,
    peakPerS: 1e9 / perCallNs,
    lossFraction: 1 - accounting.complete / accounting.issued,
  };
  return { trial, callsInFlight: geometry.callsInFlight };
}

/** Whether the load generator kept the average; a single burst has none to keep. */
function wasOffered({ offeredPerS, bursts, trials }: GridPoint): boolean {
  if (offeredPerS === null || bursts === 1) return true;
  return median(trials.map(({ achievedPerS }) => achievedPerS)) >= ACHIEVED_LEAST * offeredPerS;
}

/** What a fitted queue says of points that it was not fitted to; those that were not offered have no prediction. */
export function predicted(points: readonly GridPoint[], fit: QueueFit): GridPoint[] {
  return points.map((point) => ({
    ...point,
    predictedLoss: point.offered === 'held' ? predictedLoss(point, fit) : null,
  }));
}

function predictedLoss(point: GridPoint, fit: QueueFit): number | null {
  const { offeredPerS, burstCalls, bursts, trials, callsInFlightHad } = point;
  if (callsInFlightHad === null) return null;
  const queue = queueOf(fit, callsInFlightHad);
  const peakPerS = median(trials.map((trial) => (bursts === null ? trial.achievedPerS : trial.peakPerS)));
  if (bursts === null || offeredPerS === null) {
    // On all the time: as long as makes what is lost at its beginning small.
    const load = { peakPerS, burstCalls: peakPerS, intervalMs: 1000, bursts: 1 };
    return lossOf(load, queue);
  }
  const intervalMs = Math.max((burstCalls * 1000) / offeredPerS, (burstCalls * 1000) / peakPerS);
  return lossOf({ peakPerS, burstCalls, intervalMs, bursts }, queue);
}
