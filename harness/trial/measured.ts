/** A trial's figures, put together from what its workload, its collectors and the launcher reported. */
import { findVariant } from '../../backends/index.ts';
import type { ControlReport, LedgerReport, NativeHistogram, SessionReport, Span } from '../../native/index.ts';
import type { Counter } from '../backend.ts';
import type { CompletedTrial, Latency, TrialSpec } from '../result.ts';
import { NATIVE_ARCH } from '../session/session.ts';
import type { TargetEnd } from '../session/target.ts';
import { syscallName } from '../syscalls/index.ts';
import { accountingOf } from './accounting.ts';
import type { KindTruth } from './oracle.ts';

/** What the trial process adds to it: who was asked, when, and how it ended. */
export type Measured = Omit<CompletedTrial, 'version' | 'spec' | 'startedAt' | 'wallMs' | 'status'>;

/** What the trial knows of its workload; null: an application, which has no section. */
export interface Section {
  readonly truth: ControlReport;
  readonly kinds: readonly KindTruth[];
}

/** Of a collector of ours: a whole tool's books are its output's (contestants/). */
export interface Collected {
  readonly variant: string;
  readonly report: SessionReport;
}

type OfCollectors = Pick<
  Measured,
  | 'calls'
  | 'accounting'
  | 'throughputPerS'
  | 'latency'
  | 'openLoop'
  | 'geometry'
  | 'collector'
  | 'throttling'
  | 'alongside'
  | 'openNs'
  | 'attachNs'
  | 'detachNs'
>;

export function sectionOf(section: Section | null): Measured['section'] {
  if (section === null) return null;
  const { truth, kinds } = section;
  return {
    durationNs: durationNs(truth),
    cpuNs: truth.sectionCpuNs,
    calls: truth.calls,
    allCalls: kinds.reduce((n, k) => n + k.issued, 0),
    waitedNs: truth.waitedNs,
  };
}

export function runOf(end: TargetEnd): Measured['run'] {
  return {
    durationNs: end.durationNs,
    exitCode: end.exitCode,
    signal: end.signal,
    userNs: end.userNs,
    systemNs: end.systemNs,
    maxRssBytes: end.maxRssBytes,
  };
}

/** `first` is whose records, books and latency the trial reports; of `beside` its books and what it used. `filter`: native numbers. */
export function collectedOf(
  spec: TrialSpec,
  first: Collected,
  beside: Collected | null,
  section: Section | null,
  filter: readonly number[] | null,
): OfCollectors {
  const { report } = first;
  const kinds = section?.kinds ?? null;
  const { detail } = findVariant(first.variant).variant.capabilities;
  const paced = spec.workload.kind === 'stamped' && spec.workload.pace !== undefined;
  return {
    calls: (report.run.counts ?? report.ledger.calls)
      .map((count, nr) => ({ nr, name: syscallName(NATIVE_ARCH, nr), count }))
      .filter((c) => c.count > 0),
    accounting: accountingOf(first.variant, report, kinds, filter),
    throughputPerS: section === null ? null : throughputPerS(section.truth, report.ledger),
    latency: latencyOf(report.ledger, report.ledger.latency, detail),
    openLoop: section === null || !paced ? null : openLoopOf(section.truth, report.ledger, detail),
    geometry: report.geometry,
    collector: {
      ...usedOf(report, section),
      processCpuNs: spanOf(report, section).processCpuNs,
      maxRssBytes: process.resourceUsage().maxRSS * 1024,
      rounds: report.rounds,
      records: report.ledger.records,
    },
    ...(report.throttling === null ? {} : { throttling: report.throttling }),
    ...(beside === null
      ? {}
      : {
          alongside: {
            accounting: accountingOf(beside.variant, beside.report, kinds, filter),
            geometry: beside.report.geometry,
            ...usedOf(beside.report, section),
          },
        }),
    openNs: report.openNs,
    attachNs: report.armNs,
    detachNs: report.disarmNs,
  };
}

/** Of the section; without one, of the whole run. */
function spanOf(report: SessionReport, section: Section | null): Span {
  return section === null ? report.run : report.section;
}

function usedOf(report: SessionReport, section: Section | null): { drainCpuNs: number; kernelCpuNs: number } {
  const { drainCpuNs, counters } = spanOf(report, section);
  return { drainCpuNs, kernelCpuNs: kernelCpuNs(counters) };
}

/** Over the section and the time until its last record was there; null without records. */
function throughputPerS({ sectionStartNs }: ControlReport, ledger: LedgerReport): number | null {
  const delivered = ledger.complete + ledger.partial;
  const drainedAtNs = ledger.lastVisibleNs;
  return delivered > 0 && drainedAtNs > sectionStartNs ? (delivered * 1e9) / (drainedAtNs - sectionStartNs) : null;
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
  const lastedNs = durationNs(truth);
  return {
    achievedPerS: lastedNs > 0 ? (truth.calls * 1e9) / lastedNs : 0,
    lateBursts: truth.lateBursts,
    latestNs: truth.latestNs,
    latencyFromDue: latencyOf(ledger, ledger.latencyFromDue, detail),
  };
}

function durationNs({ sectionStartNs, sectionEndNs }: ControlReport): number {
  return sectionEndNs - sectionStartNs;
}

function kernelCpuNs(counters: readonly Counter[]): number {
  return counters.filter((c) => c.unit === 'ns').reduce((sum, c) => sum + c.count, 0);
}
