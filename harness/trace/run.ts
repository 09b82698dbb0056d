/** One command under one variant, from its execve to its last exit. */
import { findVariant } from '../../backends/index.ts';
import type { AskedDetail, Counter, VariantDefinition } from '../backend.ts';
import type { EventBatch } from '../event.ts';
import { onlyReport, runTraced } from '../session/traced.ts';

export interface TracedRun {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly durationNs: number;
  readonly counters: readonly Counter[];
  /** Variants that deliver counts: calls by system call number, those that occurred. */
  readonly counts: readonly { nr: number; count: number }[] | null;
  readonly foreignCalls: number;
  /** Records that no slab was free for: JavaScript did not keep up. */
  readonly bridgeLostRecords: number;
  /** The target was killed because the run was aborted: what was seen and lost is of the part before. */
  readonly interrupted: boolean;
}

/** Any command under any variant, every record handed to onBatch. */
export async function runUnderVariant(o: {
  readonly variant: string;
  readonly argv: readonly string[];
  readonly filter: readonly number[] | null;
  readonly bufferBytes: number;
  readonly detail?: AskedDetail | undefined;
  readonly user: string | null;
  readonly stdio: 'inherit' | 'null';
  readonly deadlineMs: number | null;
  readonly signal?: AbortSignal;
  readonly workloadCpus?: readonly number[] | null;
  readonly collectorCpus?: readonly number[] | null;
  onBatch(batch: EventBatch): void;
}): Promise<TracedRun> {
  const signals = [o.signal ?? null, o.deadlineMs === null ? null : AbortSignal.timeout(o.deadlineMs)];
  const { variant }: { variant: VariantDefinition } = findVariant(o.variant);
  const outcome = await runTraced({
    collectors: [
      {
        variant: o.variant,
        bufferBytes: o.bufferBytes,
        wakeup: null,
        detail: o.detail,
        collectorCpus: o.collectorCpus ?? null,
        stallMs: 0,
        stallAfterCalls: 0,
        onBatch: variant.capabilities.delivers === 'records' ? (batch) => o.onBatch(batch) : null,
      },
    ],
    argv: o.argv,
    filter: o.filter,
    workloadCpus: o.workloadCpus ?? null,
    user: o.user,
    stdio: o.stdio,
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    signal: AbortSignal.any(signals.filter((signal) => signal !== null)),
  });
  const { end } = outcome;
  const report = onlyReport(outcome);
  return {
    exitCode: end.exitCode,
    signal: end.signal,
    durationNs: end.durationNs,
    counters: report.run.counters,
    counts: report.run.counts?.map((count, nr) => ({ nr, count })).filter((c) => c.count > 0) ?? null,
    foreignCalls: report.run.counts === null ? report.ledger.foreignCalls : report.run.foreignCounts,
    bridgeLostRecords: report.bridgeLostRecords,
    interrupted: outcome.aborted !== null,
  };
}
