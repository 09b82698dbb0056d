/**
 * The trial process: exactly one workload under one backend variant, once, in a fresh process.
 *
 * Request: a TrialSpec; answer: a TrialResult, completed or failed. How they are exchanged: host/hosted.ts.
 */
import { readFileSync } from 'node:fs';
import type { Contestant } from '../../backends/external/contestant.ts';
import { contestantOf } from '../../backends/external/index.ts';
import { findVariant } from '../../backends/index.ts';
import {
  type ControlReport,
  type LedgerReport,
  type NativeHistogram,
  native,
  type SessionReport,
} from '../../native/index.ts';
import { onStage, type Stage } from '../applications/stage.ts';
import type { Counter } from '../backend.ts';
import type { ToolTrial } from '../contestants/tool-trial.ts';
import type { Soaker } from '../cpu-bill/soaker.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import { NR_FUNCTION } from '../event.ts';
import { failureOf, serve } from '../host/hosted.ts';
import { functionOf } from '../plan/events.ts';
import type { Accounting, CompletedTrial, CpuBill, Latency, TrialResult, TrialSpec } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { type Guard, holdNoAuditContext } from '../session/guard.ts';
import { NATIVE_ARCH } from '../session/session.ts';
import { type Collector, runTraced, type TracedOutcome } from '../session/traced.ts';
import { syscallName, syscallNumber } from '../syscalls/index.ts';
import type { HeldQuota } from './cpu-quota.ts';
import { keepAwake } from './idle.ts';
import type { JavaScriptLatency } from './javascript-latency.ts';
import { judgeCounts, judgeRecords, type KindTruth } from './oracle.ts';

/** Long enough for a stable minimum of blocks, short enough to cost 2–3 ms. */
const CANARY_CALLS = 10_000;
const GATE_END = 3;
/** Beside a whole tool: serves the workload's gates, traces nothing. */
const GATES_ONLY = 'none';
const CLOCK_TICKS_PER_S = 100; // USER_HZ, fixed in the ABI

/** Steal time of all CPUs so far, ns; 0 where the kernel does not say. */
function stealNs(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  return (Number(fields[8] ?? 0) * 1e9) / CLOCK_TICKS_PER_S;
}

type Control = ReturnType<ReturnType<typeof native>['createControl']>;

/** What the workload put into its control page, or an error that says why that cannot be trusted. */
function readTruth(control: Control, outcome: TracedOutcome, spec: TrialSpec): ControlReport {
  const truth = native().readControl(control.handle);
  if (truth.clockEntersKernel) {
    throw new TracebenchError(EXIT.cannot, 'clock_gettime(CLOCK_MONOTONIC) makes a system call with this clocksource', {
      mend: 'switch to a clocksource with a vDSO (tsc, kvm-clock): the stamps would trace themselves',
    });
  }
  const name = spec.workload.name;
  if (truth.errno !== 0) throw new TracebenchError(EXIT.runError, `workload ${name}: ${truth.errorText}`);
  if (truth.gate !== GATE_END || !outcome.reports.every((report) => report.sectionLeft)) {
    const how = outcome.end.signal !== null ? `signal ${outcome.end.signal}` : `code ${outcome.end.exitCode}`;
    throw new TracebenchError(EXIT.runError, `workload ${name} ended with ${how} before the end of its section`);
  }
  return truth;
}

/** A collector that was to stand still and never came to it was not starved. */
function checkStalled({ stallMs, stallAfterCalls }: TrialSpec, stalled: boolean): void {
  if (stallMs === 0 || stalled) return;
  const why = `the collector was to stand still after ${stallAfterCalls} calls and delivered fewer`;
  throw new TracebenchError(EXIT.runError, why, { mend: 'more --calls, or a longer --section' });
}

/** Loaded where it is wanted. null: the collector gets what CPU time it can have. */
async function quotaFor({ cpuQuota }: TrialSpec): Promise<HeldQuota | null> {
  if (cpuQuota === undefined) return null;
  const { holdCpuQuota } = await import('./cpu-quota.ts');
  return holdCpuQuota(cpuQuota);
}

function kindTruths(truth: ControlReport, filter: readonly number[] | null, program: string | undefined): KindTruth[] {
  return truth.kinds.map((k) => ({
    nr: k.nr,
    name: k.nr === NR_FUNCTION ? (functionOf(program)?.symbol ?? 'a function') : syscallName(NATIVE_ARCH, k.nr),
    class: k.class,
    issued: k.issued,
    wanted: filter === null || filter.includes(k.nr),
  }));
}

function accountingOf(
  id: string,
  report: SessionReport,
  kinds: readonly KindTruth[] | null,
  filter: readonly number[] | null,
): Accounting {
  const { variant } = findVariant(id);
  const delivers = variant.capabilities.delivers;
  if (delivers === 'nothing') return { delivers };
  const markNr = syscallNumber('getppid');
  const expectsMarks = kinds !== null && (filter === null || filter.includes(markNr));
  if (delivers === 'counts') {
    return judgeCounts({
      kinds: kinds ?? [],
      counts: kinds === null ? [] : (report.sectionCounts ?? []),
      foreign: kinds === null ? 0 : report.sectionForeignCounts,
      counters: kinds === null ? report.runCounters : report.sectionCounters,
      relation: variant.loss,
      markNr,
      expectsMarks,
    });
  }
  return judgeRecords({
    kinds: kinds ?? [],
    ledger: report.ledger,
    counters: kinds === null ? report.runCounters : report.sectionCounters,
    relation: variant.loss,
    expectsMarks,
  });
}

function latencyOf(
  { ambiguous }: LedgerReport,
  histogram: NativeHistogram | null,
  detail: 'enter' | 'full' | null,
): Latency | null {
  if (histogram === null || detail === null) return null;
  return { ...histogram, ambiguous, made: detail === 'enter' ? 'enter' : 'exit' };
}

function openLoopOf(
  truth: ControlReport,
  ledger: LedgerReport,
  detail: 'enter' | 'full' | null,
): CompletedTrial['openLoop'] {
  const durationNs = truth.sectionEndNs - truth.sectionStartNs;
  return {
    achievedPerS: durationNs > 0 ? (truth.calls * 1e9) / durationNs : 0,
    lateBursts: truth.lateBursts,
    latestNs: truth.latestNs,
    latencyFromDue: latencyOf(ledger, ledger.latencyFromDue, detail),
  };
}

/** Loaded where it is wanted: every trial's start would pay for it. */
async function javaScriptLatency(control: Control): Promise<JavaScriptLatency> {
  const { JavaScriptLatency } = await import('./javascript-latency.ts');
  return new JavaScriptLatency(control.handle);
}

/** As above: a backend's trial needs none of it. */
async function openTool(contestant: Contestant, spec: TrialSpec, stage: Stage): Promise<ToolTrial> {
  const { ToolTrial } = await import('../contestants/tool-trial.ts');
  return ToolTrial.open(contestant, spec, stage.argv);
}

async function openSoaker(): Promise<Soaker> {
  const { startSoaker } = await import('../cpu-bill/soaker.ts');
  return startSoaker();
}

/** Of a soaked section. */
async function billOf(soaker: Soaker, truth: ControlReport, report: SessionReport): Promise<CpuBill> {
  if (report.sectionSoak === null) throw new TypeError('a soaked section was not read');
  const { cpuBill } = await import('../cpu-bill/bill.ts');
  return cpuBill({
    section: report.sectionSoak,
    idle: soaker.idle,
    workloadNs: truth.sectionCpuNs,
    spunNs: truth.sectionSpunNs,
    drainNs: report.sectionDrainCpuNs,
    processNs: report.sectionProcessCpuNs,
    kernelThreads: report.sectionKernelThreads,
  });
}

/** The second collector, and whether it stops the target: who does is armed last, so that the other sees its stops. */
function secondOf({ alongside, detail }: TrialSpec): { collector: Collector; blocks: boolean } | null {
  if (alongside === undefined) return null;
  const blocks = findVariant(alongside.variant).variant.capabilities.regime === 'blocks';
  return { collector: { ...alongside, detail, stallMs: 0, stallAfterCalls: 0, onBatch: null }, blocks };
}

function kernelCpuNs(counters: readonly Counter[]): number {
  return counters.filter((c) => c.unit === 'ns').reduce((sum, c) => sum + c.count, 0);
}

type Measured = Omit<CompletedTrial, 'version' | 'spec' | 'startedAt' | 'wallMs' | 'status'>;

/** From before the launcher is started until the target is gone, baselines as well. A soaker keeps the CPUs awake too. */
async function underIdlePolicy(spec: TrialSpec, work: (soaker: Soaker | null) => Promise<Measured>): Promise<Measured> {
  const soaker = spec.soaked === true ? await openSoaker() : null;
  const awake = soaker ?? (spec.idle === 'busy' ? await keepAwake() : null);
  try {
    return await work(soaker);
  } finally {
    await awake?.release();
  }
}

async function measure(spec: TrialSpec, stage: Stage, soaker: Soaker | null, signal: AbortSignal): Promise<Measured> {
  const { variant } = findVariant(spec.variant);
  const filter = spec.filter === null ? null : spec.filter.map((name) => syscallNumber(name));
  const stamped = spec.workload.kind === 'stamped' ? spec.workload : null;
  const control = stamped === null ? null : native().createControl(spec.alongside === undefined ? 1 : 2);
  const javascript = spec.consumer === 'javascript' && control !== null ? await javaScriptLatency(control) : null;
  const contestant = contestantOf(spec.variant);
  const tool = contestant === null ? null : await openTool(contestant, spec, stage);
  let guard: Guard | null = null;
  let quota: HeldQuota | null = null;
  const stealBefore = stealNs();
  try {
    if (spec.auditContext === 'absent') guard = await holdNoAuditContext();
    quota = await quotaFor(spec);
    const first: Collector = {
      variant: tool === null ? spec.variant : GATES_ONLY,
      bufferBytes: spec.bufferBytes,
      wakeup: tool === null ? spec.wakeup : null,
      detail: spec.detail,
      collectorCpus: spec.collectorCpus,
      stallMs: spec.stallMs,
      stallAfterCalls: spec.stallAfterCalls,
      cpuLimit: quota?.limit,
      onBatch: spec.consumer === 'javascript' ? (batch) => javascript?.take(batch) : null,
    };
    const second = secondOf(spec);
    const collectors =
      second === null ? [first] : second.blocks ? [first, second.collector] : [second.collector, first];
    const outcome = await runTraced({
      collectors,
      argv: tool?.argv ?? stage.argv,
      surroundings: stage.surroundings,
      filter,
      workloadCpus: spec.workloadCpus,
      user: spec.user,
      stdio: 'null',
      control,
      soak: soaker?.handle ?? null,
      auditContext: spec.auditContext === 'present',
      canaryCalls: CANARY_CALLS,
      expectedPerLane: stamped === null ? 0 : Math.ceil(stamped.calls / stamped.threads),
      companion: tool?.run ?? null,
      signal,
    });
    if (outcome.aborted !== null) throw outcome.aborted;
    const { end } = outcome;
    const figureOfMerit = stage.figureOf(end);
    const reportOf = (collector: Collector): SessionReport =>
      outcome.reports[collectors.indexOf(collector)] as SessionReport;
    const report = reportOf(first);
    const beside = second && reportOf(second.collector);
    const truth = control === null ? null : readTruth(control, outcome, spec);
    checkStalled(spec, report.stalled);
    const kinds = truth === null ? null : kindTruths(truth, filter, stage.argv[0]);
    const drainedAtNs = report.ledger.lastVisibleNs;
    const delivered = report.ledger.complete + report.ledger.partial;
    return {
      auditContext: guard === null ? spec.auditContext : guard.held ? 'absent' : 'unknown',
      auditContextReason: guard === null ? '' : guard.reason,
      canaryNsPerCall: outcome.canaryNsPerCall,
      section:
        truth === null || kinds === null
          ? null
          : {
              durationNs: truth.sectionEndNs - truth.sectionStartNs,
              cpuNs: truth.sectionCpuNs,
              calls: truth.calls,
              allCalls: kinds.reduce((n, k) => n + k.issued, 0),
              waitedNs: truth.waitedNs,
            },
      run: {
        durationNs: end.durationNs,
        exitCode: end.exitCode,
        signal: end.signal,
        userNs: end.userNs,
        systemNs: end.systemNs,
        maxRssBytes: end.maxRssBytes,
      },
      ...(figureOfMerit === null ? {} : { figureOfMerit }),
      calls: (report.runCounts ?? report.ledger.calls)
        .map((count, nr) => ({ nr, name: syscallName(NATIVE_ARCH, nr), count }))
        .filter((c) => c.count > 0),
      accounting: tool === null ? accountingOf(spec.variant, report, kinds, filter) : { delivers: 'nothing' },
      throughputPerS:
        truth !== null && delivered > 0 && drainedAtNs > truth.sectionStartNs
          ? (delivered * 1e9) / (drainedAtNs - truth.sectionStartNs)
          : null,
      latency: latencyOf(report.ledger, report.ledger.latency, variant.capabilities.detail),
      openLoop: truth === null || !stamped?.pace ? null : openLoopOf(truth, report.ledger, variant.capabilities.detail),
      timeToJavaScript: javascript?.result(variant.capabilities.detail) ?? null,
      geometry: report.geometry,
      collector: {
        drainCpuNs: truth === null ? report.runDrainCpuNs : report.sectionDrainCpuNs,
        kernelCpuNs: kernelCpuNs(truth === null ? report.runCounters : report.sectionCounters),
        processCpuNs: truth === null ? report.runProcessCpuNs : report.sectionProcessCpuNs,
        maxRssBytes: process.resourceUsage().maxRSS * 1024,
        rounds: report.rounds,
        records: report.ledger.records,
      },
      ...(report.throttling === null ? {} : { throttling: report.throttling }),
      ...(beside === null || second === null
        ? {}
        : {
            alongside: {
              accounting: accountingOf(second.collector.variant, beside, kinds, filter),
              geometry: beside.geometry,
              drainCpuNs: truth === null ? beside.runDrainCpuNs : beside.sectionDrainCpuNs,
              kernelCpuNs: kernelCpuNs(truth === null ? beside.runCounters : beside.sectionCounters),
            },
          }),
      openNs: report.openNs,
      attachNs: report.armNs,
      detachNs: report.disarmNs,
      stealNs: Math.max(0, stealNs() - stealBefore),
      ...(soaker === null || truth === null ? {} : { cpuBill: await billOf(soaker, truth, report) }),
      ...tool?.read(truth, kinds),
    };
  } finally {
    await tool?.release();
    await quota?.release();
    await guard?.release();
  }
}

async function runTrial(spec: TrialSpec, signal: AbortSignal): Promise<TrialResult> {
  const head = { version: RESULT_VERSION, spec, startedAt: new Date().toISOString() } as const;
  const before = native().monotonicNs();
  const wallMs = (): number => (native().monotonicNs() - before) / 1e6;
  try {
    const measured = await underIdlePolicy(spec, (soaker) =>
      onStage(spec, (stage) => measure(spec, stage, soaker, signal)),
    );
    return { ...head, wallMs: wallMs(), status: 'completed', ...measured };
  } catch (error) {
    return { ...head, wallMs: wallMs(), status: 'failed', error: failureOf(error) };
  }
}

process.exit(await serve({ name: 'trial', answer: runTrial }));
