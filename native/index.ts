/**
 * The typed surface of the addon, and the only file that loads it.
 *
 * Values cross as numbers (counts and ns below 2^53) and strings; nothing here interprets them. The record layout is
 * compared with harness/event.ts at load: a stale build is refused instead of misread.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Counter, Geometry } from '../harness/backend.ts';
import { cannotError } from '../harness/errors.ts';
import { RECORD_ABI, RECORD_BYTES, RECORD_OFFSETS } from '../harness/event.ts';
import { projectRoot } from '../harness/paths.ts';

/** A failure as C reports it: errno is positive, mend is null where nothing is known. */
export interface NativeErrorDetail {
  readonly errno: number;
  readonly operation: string;
  readonly message: string;
  readonly mend: string | null;
}

/** What every source is configured with (native/include/source.h, struct tb_source_config). */
export interface SourceConfig {
  readonly source: string;
  readonly variant: string;
  readonly bufferBytes: number;
  readonly filter: readonly number[] | null;
  /** enum tb_wakeup: 1 timer, 2 adaptive, 3 watermark, 4 sync. */
  readonly wakeup: number;
  readonly wakeupValue: number;
  readonly options: Readonly<Record<string, string>>;
  /** Detail `paths`. */
  readonly paths: boolean;
}

/** Opaque: the control page of one trial (native/include/control.h). */
export interface ControlHandle {
  readonly opaque: 'tb_control';
}

/** Opaque: a soaker's page (native/include/soak.h). */
export interface SoakHandle {
  readonly opaque: 'tb_soak';
}

/** What the soaker has counted so far, or, in a report, between two moments. */
export interface SoakReading {
  /** CLOCK_MONOTONIC, or the time between. */
  readonly ns: number;
  readonly cpus: readonly {
    readonly cpu: number;
    readonly pieces: number;
    /** Of the pieces those that nothing interrupted, and how long these took. */
    readonly quickPieces: number;
    readonly quickNs: number;
  }[];
}

/** CPU time of quotaUs in every periodUs, by a control group that the guard holds. */
export interface CpuLimit {
  /** Its directory. */
  readonly group: string;
  readonly periodUs: number;
  readonly quotaUs: number;
}

/** What the kernel says of a thread under a CpuLimit, over the section. */
export interface Throttling {
  /** In which it wanted to run. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
  /** From START until the section was drained. */
  readonly elapsedNs: number;
}

export interface SessionConfig extends SourceConfig {
  readonly control: ControlHandle | null;
  /** null: the trial is not soaked. */
  readonly soak: SoakHandle | null;
  readonly expectsRecords: boolean;
  readonly collectorCpus: readonly number[];
  readonly wantsReturn: boolean;
  /** Bit i: a complete record carries argument i. */
  readonly wantsArgs: number;
  readonly nativeArch: number;
  readonly expectedPerLane: number;
  /** The source's running total is read so often; 0: never. */
  readonly meterNs: number;
  /** No more readings than so; the last is always that of the end. */
  readonly readingsMost: number;
  readonly stallNs: number;
  readonly stallAfterCalls: number;
  /** Of the drain thread's CPU time while the section lasts; null: none. */
  readonly cpuLimit: CpuLimit | null;
  /** Memory for the slabs, a multiple of recordsPerSlab × 96 bytes; null: only the ledger reads the records. */
  readonly slabs: Uint8Array | null;
  /** With slabs and `paths`: arenaBytesPerSlab for each slab, for the strings of its records. */
  readonly arenas: Uint8Array | null;
  readonly testDropCalls: number;
  readonly testDropAfter: number;
  readonly testForgeStamps: number;
}

/** Event types of NativeSession's listener, in the order of enum SessionEventType. */
export const SESSION_EVENT = { opened: 0, armed: 1, batch: 2, ended: 3 } as const;

export type SessionListener = (type: number, slab: number, count: number, visibleNs: number, postedNs: number) => void;

export interface NativeHistogram {
  readonly histogram: string;
  readonly count: number;
  readonly minNs: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly p9999Ns: number;
  readonly maxNs: number;
  readonly meanNs: number;
}

/** The ledger's counts, see native/src/ledger.h. Arrays by system call number have 512 elements. */
export interface LedgerReport {
  readonly calls: readonly number[];
  readonly foreignCalls: number;
  readonly records: number;
  readonly births: number;
  readonly refused: number;
  readonly restarts: number;
  readonly startSeen: boolean;
  readonly endSeen: boolean;
  readonly complete: number;
  readonly partial: number;
  readonly duplicates: number;
  readonly reorders: number;
  readonly late: number;
  readonly neverIssued: number;
  readonly mismatches: number;
  readonly mismatchSamples: readonly string[];
  readonly kindDelivered: readonly number[];
  readonly undeclared: number;
  readonly ambiguous: number;
  readonly lastVisibleNs: number;
  readonly windowMissing: number;
  readonly lossRuns: number;
  readonly longestLossRun: number;
  readonly lossDeciles: readonly number[];
  readonly latency: NativeHistogram | null;
  /** Open loop only. */
  readonly latencyFromDue: NativeHistogram | null;
}

/** What the source counted and what the collector used between two moments. */
export interface Span {
  readonly counters: readonly Counter[];
  /** By system call number; null: it delivers no counts. */
  readonly counts: readonly number[] | null;
  /** Of calls of another architecture. */
  readonly foreignCounts: number;
  readonly drainCpuNs: number;
  readonly processCpuNs: number;
}

export interface SessionReport {
  readonly error: NativeErrorDetail | null;
  readonly geometry: Geometry;
  readonly openNs: number;
  readonly armNs: number;
  readonly disarmNs: number;
  readonly rounds: number;
  readonly sectionEntered: boolean;
  readonly sectionLeft: boolean;
  readonly startMissing: boolean;
  /** null: not soaked. */
  readonly sectionSoak: SoakReading | null;
  /** Of a soaked section: those that ran in it. */
  readonly sectionKernelThreads: readonly { readonly name: string; readonly cpuNs: number }[];
  readonly stalled: boolean;
  /** null: no limit was asked for, or the section was not left. */
  readonly throttling: Throttling | null;
  /** From arm to the stop. */
  readonly run: Span;
  /** From START to END; of an application nothing. */
  readonly section: Span;
  readonly bridgeLostRecords: number;
  /**
   * With meterNs: CLOCK_MONOTONIC and the total by then. The last less the first is the sum of the
   * run's counts and foreignCounts. Else null.
   */
  readonly readings: { readonly atNs: readonly number[]; readonly calls: readonly number[] } | null;
  readonly testDropped: number;
  readonly ledger: LedgerReport;
}

/** One drain thread with its source. arm and stop only ask; the listener hears. close joins the thread. */
export interface NativeSession {
  arm(pid: number): void;
  stop(): void;
  /** Gives a slab back that a batch event handed over. */
  release(slab: number): void;
  /** After `ended`. */
  report(): SessionReport;
  close(): void;
}

export interface ControlReport {
  /** enum tb_gate: the gate the workload has reached. */
  readonly gate: number;
  readonly sectionStartNs: number;
  readonly sectionEndNs: number;
  readonly sectionCpuNs: number;
  /** Between the gates, taken off sectionCpuNs: CPU time spent waiting in memory. */
  readonly sectionSpunNs: number;
  readonly calls: number;
  /** These three: open loop only, else 0. Over all lanes. */
  readonly waitedNs: number;
  readonly lateBursts: number;
  readonly latestNs: number;
  readonly clockEntersKernel: boolean;
  readonly errno: number;
  readonly errorText: string;
  readonly lanes: readonly number[];
  readonly kinds: readonly {
    readonly nr: number;
    readonly class: 'stamped' | 'counted';
    readonly stampArg: number;
    readonly issued: number;
  }[];
}

interface Addon {
  readonly NativeSession: new (config: SessionConfig, listener: SessionListener) => NativeSession;
  layout(): {
    recordBytes: number;
    recordAbi: number;
    recordsPerSlab: number;
    arenaBytesPerSlab: number;
    offsets: Record<string, number>;
    testHooks: boolean;
  };
  sourceNames(): string[];
  probe(config: SourceConfig): Promise<NativeErrorDetail & { answer: 'yes' | 'no' | 'unknown' }>;
  /** A page whose gates open when so many collectors are done with each. */
  createControl(collectors: number): { fd: number; handle: ControlHandle; collectors: number };
  readControl(handle: ControlHandle): ControlReport;
  createSoak(): { fd: number; handle: SoakHandle };
  readSoak(handle: SoakHandle): SoakReading;
  spawn(path: string, argv: readonly string[], controlFd: number): { pid: number; commandFd: number; statusFd: number };
  reap(pid: number): { code: number | null; signal: number | null } | null;
  monotonicNs(): number;
}

function loadAddon(): Addon {
  /* Tests that break the collector on purpose ask for the build that can be broken; nothing else may. */
  const name = process.env['TRACEBENCH_TEST_HOOKS'] === undefined ? 'tracebench.node' : 'tracebench_test.node';
  const path = join(projectRoot, 'native', 'build', 'Release', name);
  if (!existsSync(path)) throw cannotError(`the native addon is not built: ${path} is missing`, 'npm run build');
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    throw cannotError(`the native addon cannot be loaded: ${(cause as Error).message}`, 'npm run build', cause);
  }
  const layout = addon.layout();
  const differing = Object.entries(RECORD_OFFSETS).find(([field, offset]) => layout.offsets[field] !== offset);
  if (layout.recordAbi !== RECORD_ABI || layout.recordBytes !== RECORD_BYTES || differing !== undefined) {
    const what = differing ? `field ${differing[0]}` : `ABI ${layout.recordAbi}, ${layout.recordBytes} bytes`;
    throw cannotError(`the native addon was built for another record layout (${what})`, 'npm run build');
  }
  return addon;
}

let loaded: Addon | null = null;

/**
 * The addon, loaded at first use so that commands which need none of it run without a build. Throws TracebenchError
 * (exit code 3) when it is missing, broken or stale.
 */
export function native(): Addon {
  loaded ??= loadAddon();
  return loaded;
}
