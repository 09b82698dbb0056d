/**
 * One target under one session, from the launcher's gate to the last record: the procedure that trials and
 * `tracebench trace` share.
 *
 * Order matters. The target is forked and measured bare (canary) before the backend opens; the backend is armed while
 * the target stands at the gate; the session is stopped only when the whole tree is gone, so that every record has
 * been committed by then.
 */
import { findVariant } from '../backends/index.ts';
import type { ControlHandle, SessionReport } from '../native/index.ts';
import type { Counter, VariantDefinition, Wakeup } from './backend.ts';
import { EXIT, TracebenchError } from './errors.ts';
import type { EventBatch } from './event.ts';
import { TraceSession } from './session.ts';
import { Target, type TargetEnd } from './target.ts';

export interface TracedSettings {
  readonly variant: string;
  readonly argv: readonly string[];
  readonly filter: readonly number[] | null;
  readonly bufferBytes: number;
  /** null: the variant's own default. */
  readonly wakeup: Wakeup | null;
  readonly workloadCpus: readonly number[] | null;
  readonly collectorCpus: readonly number[] | null;
  readonly user: string | null;
  readonly stdio: 'inherit' | 'null';
  readonly control: { readonly fd: number; readonly handle: ControlHandle } | null;
  readonly canaryCalls: number;
  readonly expectedPerLane: number;
  readonly stallMs: number;
  readonly stallAfterCalls: number;
  /** The target is killed when it is aborted; the outcome then says so and why. */
  readonly signal: AbortSignal;
  /** null: records are not wanted in JavaScript. */
  readonly onBatch: ((batch: EventBatch) => void) | null;
}

export interface TracedOutcome {
  readonly end: TargetEnd;
  readonly report: SessionReport;
  readonly canaryNsPerCall: number | null;
  /** Why the run was cut short; null when the target ended by itself. */
  readonly aborted: Error | null;
}

async function consume(session: TraceSession, onBatch: (batch: EventBatch) => void): Promise<void> {
  for await (const batch of session.batches()) onBatch(batch);
}

/** null, or what `work` failed with; handled from the start, so that waiting for it later is safe. */
async function settled(work: Promise<void>, onFailure: () => void): Promise<{ error: unknown } | null> {
  try {
    await work;
    return null;
  } catch (error) {
    onFailure();
    return { error };
  }
}

/** Why a run was aborted, as an error: the abort reason when it is one. */
function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new TracebenchError(EXIT.runError, 'the run was aborted');
}

/**
 * Runs the target to its end. Throws BackendError or TracebenchError; whatever happens, target and session are gone
 * when it settles.
 */
export async function runTraced(s: TracedSettings): Promise<TracedOutcome> {
  const { backend, variant } = findVariant(s.variant);
  const trace = { bufferBytes: s.bufferBytes, filter: s.filter, wakeup: s.wakeup ?? variant.wakeup };
  const needs = backend.launchNeeds?.(variant, trace) ?? {};
  s.signal.throwIfAborted();

  const target = await Target.launch({
    argv: s.argv,
    cpus: s.workloadCpus,
    user: s.user,
    seccompTrace: needs.seccompTrace ?? null,
    controlFd: s.control?.fd ?? -1,
    canaryCalls: s.canaryCalls,
    stdio: s.stdio,
  });
  const kill = (): void => target.kill();
  s.signal.addEventListener('abort', kill, { once: true });
  let session: TraceSession | null = null;
  try {
    session = await TraceSession.open({
      backend,
      variant,
      trace,
      control: s.control?.handle ?? null,
      collectorCpus: s.collectorCpus,
      wantsBatches: s.onBatch !== null,
      expectedPerLane: s.expectedPerLane,
      stallMs: s.stallMs,
      stallAfterCalls: s.stallAfterCalls,
    });
    await session.start(target.pid);
    s.signal.throwIfAborted();
    /* A collector that breaks would leave the target without its reader: the run is worthless, so it ends. */
    let stopping = false;
    void session.ended.then(() => {
      if (!stopping) target.kill();
    });
    /* So is a reader that throws; its error is kept until the target is gone. */
    const consumed = s.onBatch === null ? null : settled(consume(session, s.onBatch), () => target.kill());
    target.start();
    const end = await target.end();
    stopping = true;
    await session.stop();
    const failure = await consumed;
    if (failure !== null) throw failure.error;
    const aborted = s.signal.aborted ? abortError(s.signal) : null;
    return { end, report: session.report, canaryNsPerCall: target.canaryNsPerCall, aborted };
  } finally {
    s.signal.removeEventListener('abort', kill);
    await target.close();
    await session?.close();
  }
}

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

/** Any command under any variant, every record handed to onBatch. For `tracebench trace`. */
export async function traceCommand(o: {
  readonly variant: string;
  readonly argv: readonly string[];
  readonly filter: readonly number[] | null;
  readonly bufferBytes: number;
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
    variant: o.variant,
    argv: o.argv,
    filter: o.filter,
    bufferBytes: o.bufferBytes,
    wakeup: null,
    workloadCpus: o.workloadCpus ?? null,
    collectorCpus: o.collectorCpus ?? null,
    user: o.user,
    stdio: o.stdio,
    control: null,
    canaryCalls: 0,
    expectedPerLane: 0,
    stallMs: 0,
    stallAfterCalls: 0,
    signal: AbortSignal.any(signals.filter((signal) => signal !== null)),
    onBatch: variant.capabilities.delivers === 'records' ? (batch) => o.onBatch(batch) : null,
  });
  const { report, end } = outcome;
  return {
    exitCode: end.exitCode,
    signal: end.signal,
    durationNs: end.durationNs,
    counters: report.runCounters,
    counts: report.runCounts?.map((count, nr) => ({ nr, count })).filter((c) => c.count > 0) ?? null,
    foreignCalls: report.runCounts === null ? report.ledger.foreignCalls : report.runForeignCounts,
    bridgeLostRecords: report.bridgeLostRecords,
    interrupted: outcome.aborted !== null,
  };
}
