/** The books of a trial under a whole tool: its text against the workload's truth (oracle.ts judges, as it does for all). */
import type { Contestant } from '../../backends/external/contestant.ts';
import type { Counter } from '../backend.ts';
import type { Accounting } from '../result.ts';
import { judgeCounts, judgeRecords, type KindTruth } from '../trial/oracle.ts';
import type { ToolCalls } from './tool-output.ts';

/** Loader, libc, preparation, truth line and exit: strace -f counts 46 … 68 under the workloads. */
const OTHER_CALLS_MOST = 200;
/** An iteration more than asked for, and pairs. */
const ITERATION_MOST = 16;

/** Before START, each lane: told to the workload, so that it is known here; as many as it would make by itself. */
export function warmupOf(calls: number): number {
  return Math.min(10_000, Math.max(1, Math.floor(calls / 10)));
}

export interface ToolBooks {
  readonly contestant: Contestant;
  /** null for an application: nobody knows what it issued. */
  readonly kinds: readonly KindTruth[] | null;
  readonly lanes: number;
  readonly warmup: number;
  readonly callsPerIteration: number;
  readonly workload: string;
  readonly found: ToolCalls;
  readonly counters: readonly Counter[];
}

export function judgeTool(b: ToolBooks): Accounting {
  return b.contestant.capabilities.delivers === 'counts' ? judgeCounted(b) : judgeRecorded(b);
}

function judgeRecorded({ contestant, kinds, found, counters, lanes, warmup }: ToolBooks): Accounting {
  const { stamps } = found;
  const outside = lanes * (warmup + ITERATION_MOST) + OTHER_CALLS_MOST - found.unstamped;
  return judgeRecords({
    kinds: kinds ?? [],
    ledger: {
      complete: stamps.complete,
      partial: 0,
      duplicates: stamps.duplicates,
      reorders: stamps.reorders,
      late: 0,
      neverIssued: stamps.neverIssued,
      mismatches: 0,
      mismatchSamples: [],
      births: 0,
      refused: 0,
      restarts: 0,
      undeclared: 0,
      kindDelivered: found.kindDelivered,
      ...stamps.losses(),
      startSeen: true,
      endSeen: true,
    },
    counters,
    relation: contestant.loss,
    /* Text has no marks: START and END are calls outside as all others. */
    expectsMarks: false,
    outsideMost: kinds === null ? 0 : Math.max(0, outside),
  });
}

/** Counts are of the whole run: what lies outside of the section is known and taken off. */
function judgeCounted(b: ToolBooks): Accounting {
  const { contestant, kinds, found, counters, warmup } = b;
  const wanted = (kinds ?? []).map((kind) => ({
    ...kind,
    wanted: kind.wanted && (contestant.covers?.includes(kind.name) ?? true),
  }));
  const outside = Math.ceil(warmup / b.callsPerIteration) + (contestant.outside?.[b.workload] ?? 0);
  const counts: number[] = [];
  for (const { nr, wanted: asked } of wanted) if (asked) counts[nr] = (found.calls.get(nr) ?? 0) - outside;
  return judgeCounts({
    kinds: wanted,
    counts: Array.from(counts, (count) => count ?? 0),
    foreign: 0,
    counters,
    relation: contestant.loss,
    markNr: -1,
    expectsMarks: false,
  });
}
