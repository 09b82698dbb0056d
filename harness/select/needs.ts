/** What is asked of a tracer, and what an answer to one need is. */
import type { Privileges } from '../backend.ts';

/** What somebody wants of a tracer. Absent: it does not matter. */
export interface Needs {
  /** Calls a second that it must hold. */
  readonly ratePerS?: number | undefined;
  /** Share of the calls that may be lost. */
  readonly lossFraction: number;
  readonly detail: 'enter' | 'full' | 'paths';
  /** p99 from the call to its record being readable. */
  readonly latencyNs?: number | undefined;
  /** Time that a call may take longer. */
  readonly addedNs?: number | undefined;
  /** Share of one CPU that the collector may take. */
  readonly collectorCpu?: number | undefined;
  /** The workload may be made to wait. */
  readonly mayBlock: boolean;
  /** It must go on tracing across a set-uid exec. */
  readonly followsSetuid: boolean;
  /** What its collector will be allowed to. */
  readonly privileges?: Privileges | undefined;
  /** What calls come in, beside the rate: so many a second, so long. */
  readonly burst?: { readonly peakPerS: number; readonly durationMs: number } | undefined;
  /** Kernel buffers, and what the collector takes beside them. */
  readonly memoryBytes?: number | undefined;
}

export interface Reason {
  readonly need: string;
  /** unknown: the study does not show it; `text` then has the command that would. */
  readonly met: 'yes' | 'no' | 'unknown';
  readonly text: string;
  /** The cell whose figure decided it; null: a declared capability, a capacity study, or nothing measured. */
  readonly cellId: string | null;
  /** The capacity study whose figure decided it. */
  readonly file?: string;
}
