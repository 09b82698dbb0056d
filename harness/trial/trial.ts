/**
 * The trial process: exactly one workload under one backend variant, once, in a fresh process.
 *
 * Request: a TrialSpec; answer: a TrialResult, completed or failed. How they are exchanged: host/hosted.ts.
 */
import { readFileSync } from 'node:fs';
import type { Contestant } from '../../backends/external/contestant.ts';
import { contestantOf } from '../../backends/external/index.ts';
import { findVariant } from '../../backends/index.ts';
import { native, type SessionReport } from '../../native/index.ts';
import { onStage, type Stage } from '../applications/stage.ts';
import type { ToolTrial } from '../contestants/tool-trial.ts';
import type { Soaker } from '../cpu-bill/soaker.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import { failureOf, serve } from '../host/hosted.ts';
import type { CpuBill, TrialResult, TrialSpec } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { type Guard, holdNoAuditContext } from '../session/guard.ts';
import { type Collector, runTraced } from '../session/traced.ts';
import { syscallNumber } from '../syscalls/index.ts';
import type { HeldQuota } from './cpu-quota.ts';
import { keepAwake } from './idle.ts';
import type { JavaScriptLatency } from './javascript-latency.ts';
import { collectedOf, type Measured, runOf, type Section, sectionOf } from './measured.ts';
import { type Control, kindTruths, readTruth } from './truth.ts';

/** Long enough for a stable minimum of blocks, short enough to cost 2–3 ms. */
const CANARY_CALLS = 10_000;
/** Beside a whole tool: serves the workload's gates, traces nothing. */
const GATES_ONLY = 'none';
const CLOCK_TICKS_PER_S = 100; // USER_HZ, fixed in the ABI

/** Steal time of all CPUs so far, ns; 0 where the kernel does not say. */
function stealNs(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  return (Number(fields[8] ?? 0) * 1e9) / CLOCK_TICKS_PER_S;
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
async function billOf(soaker: Soaker, { truth }: Section, report: SessionReport): Promise<CpuBill> {
  if (report.sectionSoak === null) throw new TypeError('a soaked section was not read');
  const { cpuBill } = await import('../cpu-bill/bill.ts');
  return cpuBill({
    section: report.sectionSoak,
    idle: soaker.idle,
    workloadNs: truth.sectionCpuNs,
    spunNs: truth.sectionSpunNs,
    drainNs: report.section.drainCpuNs,
    processNs: report.section.processCpuNs,
    kernelThreads: report.sectionKernelThreads,
  });
}

/** The second collector, and whether it stops the target: who does is armed last, so that the other sees its stops. */
function secondOf({ alongside, detail }: TrialSpec): { collector: Collector; blocks: boolean } | null {
  if (alongside === undefined) return null;
  const blocks = findVariant(alongside.variant).variant.capabilities.regime === 'blocks';
  return { collector: { ...alongside, detail, stallMs: 0, stallAfterCalls: 0, onBatch: null }, blocks };
}

/** From before the launcher is started until the target is gone, baselines as well. A soaker keeps the CPUs awake too. */
async function underIdlePolicy(spec: TrialSpec, work: (soaker: Soaker | null) => Promise<Measured>): Promise<Measured> {
  const soaker = spec.soaked === true ? await openSoaker() : null;
  const awake = soaker ?? (spec.idle === 'busy' ? await keepAwake() : null);
  try {
    const measured = await work(soaker);
    return awake === null ? measured : { ...measured, spinners: awake.spinners };
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
    const collected = (collector: Collector) => ({
      variant: collector.variant,
      report: outcome.reports[collectors.indexOf(collector)] as SessionReport,
    });
    const { report } = collected(first);
    const truth = control === null ? null : readTruth(control, outcome, spec);
    checkStalled(spec, report.stalled);
    const section = truth === null ? null : { truth, kinds: kindTruths(truth, filter, stage.argv[0]) };
    return {
      auditContext: guard === null ? spec.auditContext : guard.held ? 'absent' : 'unknown',
      auditContextReason: guard === null ? '' : guard.reason,
      canaryNsPerCall: outcome.canaryNsPerCall,
      section: sectionOf(section),
      run: runOf(end),
      ...(figureOfMerit === null ? {} : { figureOfMerit }),
      ...collectedOf(spec, collected(first), second && collected(second.collector), section, filter),
      timeToJavaScript: javascript?.result(variant.capabilities.detail) ?? null,
      stealNs: Math.max(0, stealNs() - stealBefore),
      ...(soaker === null || section === null ? {} : { cpuBill: await billOf(soaker, section, report) }),
      ...tool?.read(truth, section?.kinds ?? null),
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
