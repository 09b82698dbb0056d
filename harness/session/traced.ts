/**
 * One target under one session, or several at once, from the launcher's gate to the last record: the procedure that
 * trials, joint trials and `tracebench trace` share.
 *
 * Order matters. The target is forked and measured bare (canary) before the backends open; they are armed while the
 * target stands at the gate; sessions are stopped only when the whole tree is gone, so that every record has been
 * committed by then.
 */
import { findVariant } from '../../backends/index.ts';
import type { ControlHandle, CpuLimit, SessionReport, SoakHandle } from '../../native/index.ts';
import type {
  AskedDetail,
  BackendDefinition,
  LaunchNeeds,
  TraceOptions,
  VariantDefinition,
  Wakeup,
} from '../backend.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import type { EventBatch } from '../event.ts';
import { checkEvents, functionOf } from '../plan/events.ts';
import { checkDetail } from './detail.ts';
import { holdAll } from './guard.ts';
import { type Meter, TraceSession } from './session.ts';
import { Target, type TargetEnd, type TargetSettings } from './target.ts';

/** One backend variant on the target. */
export interface Collector {
  readonly variant: string;
  readonly bufferBytes: number;
  /** null: the variant's own default. */
  readonly wakeup: Wakeup | null;
  /** Absent: what the variant gives by itself. */
  readonly detail?: AskedDetail | undefined;
  /** Where its drain thread runs; null: anywhere. */
  readonly collectorCpus: readonly number[] | null;
  readonly stallMs: number;
  readonly stallAfterCalls: number;
  readonly meter?: Meter | undefined;
  /** Held by the caller until the run has ended; absent: none. */
  readonly cpuLimit?: CpuLimit | undefined;
  /** null: records are not wanted in JavaScript. */
  readonly onBatch: ((batch: EventBatch) => void) | null;
}

/** What an application of the catalogue has around it. */
export interface Surroundings {
  /** In which it runs. */
  readonly directory: string;
  /** A file for its standard output. */
  readonly stdout: string;
  /** Beside the target once its gate is open; `gone` is aborted when the target has ended. Its failure ends the target. null: nothing. */
  readonly beside: ((target: Target, gone: AbortSignal) => Promise<void>) | null;
}

/** A whole tool beside the target (harness/contestants): it traces, while the collector serves the gates. */
export interface Companion {
  readonly needs: LaunchNeeds;
  /** Resolves once it traces the target, which stands at its gate. */
  attach(pid: number): Promise<void>;
  /** Resolves when it ended as it should not have; detach then says how. */
  readonly broken: Promise<void>;
  /** Once the target is gone: resolves when the tool has ended and all it wrote is there. */
  detach(): Promise<void>;
  /** Ends what is left of it, on every path. */
  close(): Promise<void>;
}

export interface TracedSettings {
  /** At least one. They are armed in this order. */
  readonly collectors: readonly Collector[];
  readonly argv: readonly string[];
  readonly filter: readonly number[] | null;
  readonly workloadCpus: readonly number[] | null;
  readonly user: string | null;
  /** Where there are surroundings, standard output is their file. */
  readonly stdio: TargetSettings['stdio'];
  /** Of an application of the catalogue; absent or null: it runs where the harness does, by itself. */
  readonly surroundings?: Surroundings | null;
  /** Read at the gates; absent or null: the run is not soaked. */
  readonly soak?: SoakHandle | null;
  /** Gates and truth of a stamped workload; made for as many collectors as there are. */
  readonly control: { readonly fd: number; readonly handle: ControlHandle; readonly collectors: number } | null;
  /** The target is to have an audit context even if no collector needs one: the baseline of those that do. */
  readonly auditContext: boolean;
  readonly canaryCalls: number;
  readonly expectedPerLane: number;
  readonly companion?: Companion | null;
  /** Once all collectors are armed, while the target stands at its gate. */
  readonly whenArmed?: () => Promise<void>;
  /** Called once the gate is open. */
  readonly onStarted?: () => void;
  /** The target is killed when it is aborted; the outcome then says so and why. */
  readonly signal: AbortSignal;
}

export interface TracedOutcome {
  readonly end: TargetEnd;
  /** In the order of the collectors. */
  readonly reports: readonly SessionReport[];
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

interface Prepared {
  readonly collector: Collector;
  readonly backend: BackendDefinition;
  readonly variant: VariantDefinition;
  readonly trace: TraceOptions;
}

function prepare(collector: Collector, { filter, argv: [program] }: TracedSettings): Prepared {
  const { backend, variant } = findVariant(collector.variant);
  checkDetail(collector.variant, variant, collector.detail);
  checkEvents(collector.variant, variant.capabilities, program);
  const trace = {
    bufferBytes: collector.bufferBytes,
    filter,
    wakeup: collector.wakeup ?? variant.wakeup,
    detail: collector.detail,
    function: functionOf(program),
  };
  return { collector, backend, variant, trace };
}

/** What the launcher must do for all of them together. */
function needsOf(prepared: readonly Prepared[], companion: Companion | null): LaunchNeeds {
  const all = prepared.map((p) => p.backend.launchNeeds?.(p.variant, p.trace) ?? {});
  if (companion !== null) all.push(companion.needs);
  const holds = [...new Set(all.flatMap((needs) => needs.holds ?? []))];
  return { ...(Object.assign({}, ...all) as LaunchNeeds), holds };
}

/** What must be held while a target with these needs is launched and traced; give it back after both are closed. */
export function holdFor(needs: LaunchNeeds): Promise<{ release(): Promise<void> }> {
  const audit = needs.audit === undefined ? [] : ([needs.audit === 'owner' ? 'audit' : 'audit-listen'] as const);
  return holdAll([...audit, ...(needs.holds ?? [])]);
}

/**
 * Runs the target to its end. Throws BackendError or TracebenchError; whatever happens, target and sessions are gone
 * when it settles.
 */
export async function runTraced(s: TracedSettings): Promise<TracedOutcome> {
  if (s.control !== null && s.control.collectors !== s.collectors.length)
    throw new TypeError(`a control page for ${s.control.collectors} collectors, and there are ${s.collectors.length}`);
  const prepared = s.collectors.map((collector) => prepare(collector, s));
  const asked = needsOf(prepared, s.companion ?? null);
  const needs: LaunchNeeds = s.auditContext && asked.audit === undefined ? { ...asked, audit: 'listener' } : asked;
  s.signal.throwIfAborted();

  const held = await holdFor(needs);
  try {
    return await launchAndTrace(s, prepared, needs);
  } finally {
    await held.release();
  }
}

async function launchAndTrace(
  s: TracedSettings,
  prepared: readonly Prepared[],
  needs: LaunchNeeds,
): Promise<TracedOutcome> {
  const target = await Target.launch({
    argv: s.argv,
    cpus: s.workloadCpus,
    user: s.user,
    seccompTrace: needs.seccompTrace ?? null,
    cgroup: needs.cgroup ?? false,
    keepSysAdmin: needs.keepSysAdmin ?? false,
    auditSession: needs.audit !== undefined,
    controlFd: s.control?.fd ?? -1,
    canaryCalls: s.canaryCalls,
    stdio: s.surroundings ? { out: s.surroundings.stdout, err: 'inherit' } : s.stdio,
    directory: s.surroundings?.directory,
  });
  const kill = (): void => target.kill();
  s.signal.addEventListener('abort', kill, { once: true });
  const sessions: TraceSession[] = [];
  try {
    for (const { collector, backend, variant, trace } of prepared) {
      sessions.push(
        await TraceSession.open({
          backend,
          variant,
          trace,
          control: s.control?.handle ?? null,
          soak: s.soak ?? null,
          collectorCpus: collector.collectorCpus,
          wantsBatches: collector.onBatch !== null,
          expectedPerLane: s.expectedPerLane,
          stallMs: collector.stallMs,
          stallAfterCalls: collector.stallAfterCalls,
          meter: collector.meter,
          cpuLimit: collector.cpuLimit,
        }),
      );
    }
    for (const session of sessions) await session.start(target.pid);
    await s.companion?.attach(target.pid);
    await s.whenArmed?.();
    s.signal.throwIfAborted();
    let stopping = false;
    const consumed = sessions.map((session, i) => {
      /* A collector that breaks would leave the target without its reader: the run is worthless, so it ends. */
      void session.ended.then(() => {
        if (!stopping) target.kill();
      });
      /* So is a reader that throws; its error is kept until the target is gone. */
      const onBatch = prepared[i]?.collector.onBatch ?? null;
      return onBatch === null ? null : settled(consume(session, onBatch), () => target.kill());
    });
    void s.companion?.broken.then(kill);
    target.start();
    s.onStarted?.();
    const gone = new AbortController();
    const beside = s.surroundings?.beside?.(target, gone.signal) ?? Promise.resolve();
    const besides = settled(beside, () => target.kill());
    const end = await target.end().finally(() => {
      gone.abort();
      return besides;
    });
    stopping = true;
    const failed = await besides;
    for (const session of sessions) await session.stop();
    /* What was cut short is not read: close ends it. */
    if (!s.signal.aborted) await s.companion?.detach();
    for (const failure of await Promise.all(consumed)) if (failure !== null) throw failure.error;
    const aborted = s.signal.aborted ? abortError(s.signal) : null;
    if (failed !== null && aborted === null) throw failed.error;
    const reports = sessions.map((session) => session.report);
    return { end, reports, canaryNsPerCall: target.canaryNsPerCall, aborted };
  } finally {
    s.signal.removeEventListener('abort', kill);
    await target.close();
    await s.companion?.close();
    for (const session of sessions) await session.close();
  }
}

/** The report of a run with one collector. */
export function onlyReport({ reports }: TracedOutcome): SessionReport {
  const [report] = reports;
  if (report === undefined || reports.length > 1)
    throw new TypeError(`${reports.length} reports where one is expected`);
  return report;
}
