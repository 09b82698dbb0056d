/**
 * Several collectors on one and the same process, and what each of them saw. Untimed: collectors cost each other, so no
 * time of such a run is a figure of any of them.
 */
import { findVariant } from '../../backends/index.ts';
import type { SessionReport } from '../../native/index.ts';
import type { Capabilities } from '../backend.ts';
import { runTraced, type TracedSettings } from '../session/traced.ts';
import { NATIVE_ARCH } from '../syscalls/index.ts';
import { type LostCalls, lostCalls } from '../trace/loss.ts';
import { type Tally, TallyCounter, tallyCounts } from '../trace/tally.ts';
import { Recording } from './recording.ts';

export interface JointSettings
  extends Pick<TracedSettings, 'argv' | 'filter' | 'user' | 'stdio' | 'surroundings' | 'signal'> {
  /** Variant ids, in the order they are armed. */
  readonly variants: readonly string[];
  readonly bufferBytes: number;
  /** Records kept of each collector, for comparing. */
  readonly mostRecords: number;
}

/** What one of them saw of the whole run, from the execve to the last exit. */
export interface Witness {
  readonly variant: string;
  readonly capabilities: Capabilities;
  readonly recording: Recording;
  readonly tally: Tally;
  readonly lost: LostCalls;
  readonly report: SessionReport;
}

export interface JointRun {
  readonly witnesses: readonly Witness[];
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly durationNs: number;
  readonly aborted: Error | null;
}

/** Throws BackendError or TracebenchError when any of them cannot be attached; then nothing is left. */
export async function runJoint(settings: JointSettings): Promise<JointRun> {
  const parts = settings.variants.map((id) => {
    const { variant } = findVariant(id);
    return { id, variant, recording: new Recording(settings.mostRecords), counter: new TallyCounter() };
  });
  const outcome = await runTraced({
    collectors: parts.map(({ id, variant, recording, counter }) => ({
      variant: id,
      bufferBytes: settings.bufferBytes,
      wakeup: null,
      collectorCpus: null,
      stallMs: 0,
      stallAfterCalls: 0,
      onBatch:
        variant.capabilities.delivers === 'records'
          ? (batch) => {
              recording.append(batch);
              counter.addBatch(batch);
            }
          : null,
    })),
    argv: settings.argv,
    filter: settings.filter,
    workloadCpus: null,
    user: settings.user,
    stdio: settings.stdio,
    surroundings: settings.surroundings ?? null,
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    signal: settings.signal,
  });
  const witnesses = parts.map(({ id, variant, recording, counter }, i): Witness => {
    const report = outcome.reports[i] as SessionReport;
    const counts = report.run.counts?.map((count, nr) => ({ nr, count })).filter((c) => c.count > 0) ?? null;
    return {
      variant: id,
      capabilities: variant.capabilities,
      recording,
      tally: counts === null ? counter.result() : tallyCounts(counts),
      lost: lostCalls(report.run.counters, variant.loss, report.bridgeLostRecords),
      report,
    };
  });
  const { end, aborted } = outcome;
  return { witnesses, exitCode: end.exitCode, signal: end.signal, durationNs: end.durationNs, aborted };
}

/** Calls of the native architecture by name; restarts' own call is no program's, so it is left out. */
export function callsByName(tally: Tally): Map<string, number> {
  return new Map(
    tally.entries.filter((e) => e.arch === NATIVE_ARCH && e.calls > 0).map((e) => [e.name, e.calls] as const),
  );
}
