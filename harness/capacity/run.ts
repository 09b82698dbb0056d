/**
 * The searches of all variants: in each pass every variant once, in shuffled order, so that a bad minute of the machine
 * falls on all alike. What it calls on the machine comes in as a function.
 */
import type { Random } from '../random.ts';
import type { Plan, TrialResult, TrialSpec } from '../result.ts';
import { type Attempt, type Criteria, holds, type Search, searchCapacity } from './search.ts';

export type TrialTerms = Plan['cells'][number]['trial'];

export interface Subject {
  readonly variant: string;
  /** Of a closed-loop trial; its calls are the least of every trial, so that the buffer is filled many times over. */
  readonly trial: TrialTerms;
}

export interface SearchRun {
  readonly subjects: readonly Subject[];
  readonly searches: number;
  readonly criteria: Criteria;
  readonly sectionMs: number;
  readonly random: Random;
  readonly runTrial: (spec: TrialSpec) => Promise<TrialResult>;
  readonly stop: AbortSignal;
  /** Told of each attempt. */
  readonly tried: (variant: string, search: number, attempt: Attempt) => void;
  /** Told of each search that ended. */
  readonly searched: (variant: string, search: number, done: Search) => void;
}

export interface Searched {
  readonly searches: Search[];
  readonly failures: string[];
  /** Of the trials that held: CPU time of drain thread and kernel threads per record. */
  readonly collectorNsPerCall: number[];
  /** As the kernel granted it to the first trial. */
  geometry: Extract<TrialResult, { status: 'completed' }>['geometry'] | null;
}

/** A trial that cannot count: failed, or its books do not balance. It ends its search or surface, not the study. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

/** By variant. Ends early, with what there is, when `stop` is aborted; then a begun search is left out. */
export async function runSearches(run: SearchRun): Promise<Map<string, Searched>> {
  const found = new Map<string, Searched>(
    run.subjects.map(({ variant }) => [
      variant,
      { searches: [], failures: [], collectorNsPerCall: [], geometry: null },
    ]),
  );
  for (let search = 0; search < run.searches; search++) {
    for (const subject of run.random.shuffle(run.subjects)) {
      if (run.stop.aborted) return found;
      const own = found.get(subject.variant) as Searched;
      let trials = 0;
      const attempt = async (offeredPerS: number | null): Promise<Attempt> => {
        const id = `${subject.variant}#${search}.${trials++}`;
        const result = await run.runTrial(specOf(subject, offeredPerS, run.sectionMs, id));
        const { attempt: one, geometry, collectorNsPerCall } = readTrial(result, offeredPerS);
        own.geometry ??= geometry;
        if (holds(one, run.criteria)) own.collectorNsPerCall.push(collectorNsPerCall);
        run.tried(subject.variant, search, one);
        return one;
      };
      try {
        const done = await searchCapacity(attempt, run.criteria);
        own.searches.push(done);
        run.searched(subject.variant, search, done);
      } catch (error) {
        if (run.stop.aborted) return found;
        if (!(error instanceof Unusable)) throw error;
        own.failures.push(`search ${search + 1}: ${error.message}`);
      }
    }
  }
  return found;
}

function specOf({ trial }: Subject, offeredPerS: number | null, sectionMs: number, trialId: string): TrialSpec {
  const { workload } = trial;
  if (workload.kind !== 'stamped') throw new TypeError('only stamped workloads can be paced');
  const spec = { ...trial, trialId, round: 0, order: 0, warmup: false };
  if (offeredPerS === null) return spec;
  const calls = Math.max(workload.calls, Math.ceil((offeredPerS * sectionMs) / 1000));
  return { ...spec, workload: { ...workload, calls, pace: { ratePerS: offeredPerS, burstCalls: 1 } } };
}

function readTrial(result: TrialResult, offeredPerS: number | null) {
  if (result.status === 'failed') throw new Unusable(`${result.error.code}: ${result.error.message}`);
  const { accounting, section, geometry, collector } = result;
  if (accounting.delivers !== 'records' || section === null || section.durationNs === 0)
    throw new Unusable('the trial delivered no records of a section');
  if (accounting.verdict === 'error') throw new Unusable(accounting.reasons.join('; '));
  const attempt: Attempt = {
    offeredPerS,
    achievedPerS: (section.calls * 1e9) / section.durationNs,
    lossFraction: 1 - accounting.complete / accounting.issued,
  };
  const collectorNsPerCall = (collector.drainCpuNs + collector.kernelCpuNs) / Math.max(1, collector.records);
  return { attempt, geometry, collectorNsPerCall };
}
