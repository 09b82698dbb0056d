/** Runs a case of tests/fixtures/programs/calls.c under a variant and hands back everything that came. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findVariant, variantIds } from '../../backends/index.ts';
import type { AskedDetail, Capabilities, Placement } from '../../harness/backend.ts';
import type { EventRecord } from '../../harness/event.ts';
import { projectRoot } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { onlyReport, runTraced, type TracedOutcome } from '../../harness/session/traced.ts';
import { syscallNumber } from '../../harness/syscalls/index.ts';
import type { SessionReport } from '../../native/index.ts';
import type { Workload } from '../../workloads/index.ts';

const GETPPID: number = syscallNumber('getppid');

export const CALLS_PROGRAM: string = join(projectRoot, 'build', 'test', 'calls');

/** A case's run is a matter of milliseconds; ptrace on a busy machine may need seconds. */
const DEADLINE_MS = 20_000;

export interface Collected extends TracedOutcome {
  readonly report: SessionReport;
  readonly records: readonly EventRecord[];
}

export interface CollectOptions {
  readonly filter?: readonly number[];
  readonly bufferBytes?: number;
  readonly signal?: AbortSignal;
  readonly onRecord?: () => void;
  readonly user?: string;
  readonly placement?: Placement;
  readonly detail?: AskedDetail;
}

/** Their sources do otherwise where collector and target share CPUs (README of each). */
const PLACEMENT_MATTERS = ['ebpf', 'ptrace'];

/** The placements a variant is tried in: its own, and wherever the scheduler likes where that makes a difference. */
export function placementsOf({ id }: Subject): readonly Placement[] {
  const own = findVariant(id).variant.placement;
  return own === 'free' || !PLACEMENT_MATTERS.includes(id) ? [own] : [own, 'free'];
}

interface Cpus {
  readonly workloadCpus: readonly number[] | null;
  readonly collectorCpus: readonly number[] | null;
}

function cpusFor(placement: Placement): Cpus {
  if (placement === 'free' || (placement === 'other' && availableParallelism() < 2)) {
    return { workloadCpus: null, collectorCpus: null };
  }
  return { workloadCpus: [0], collectorCpus: placement === 'same' ? [0] : [1] };
}

/**
 * perf/count has a tracepoint for each call, and giving one up takes the kernel some 40 ms: tests that are not about all calls
 * let it count these only. null: all.
 */
export function fewCalls(variant: string, names: readonly string[]): string[] | null {
  return variant === 'perf/count' ? [...names] : null;
}

/** So many calls in a row that they take at least that long on any machine, and not much longer on this one. */
export function outlasting(ms: number, { id, capabilities: can }: Subject): number {
  if (can.events === 'function') return Math.ceil((ms * 1e6) / (findVariant(id).variant.aboutNs ?? 500));
  const callsPerMs = can.regime === 'blocks' ? 150 : id.startsWith('auditd') ? 1000 : 6000;
  return ms * callsPerMs;
}

/** The workload of the cheapest calls that a variant delivers. */
export function plainest({ capabilities: can }: Subject): 'function' | 'null' {
  return can.events ?? 'null';
}

/** Whether a workload makes calls that a variant delivers, or it delivers none at all. */
export function isFor({ capabilities: can }: Subject, workload: Workload): boolean {
  return can.delivers === 'nothing' || (can.events === 'function') === (workload.function !== undefined);
}

/** Room for so many calls at once, for tests that are not about loss: audit takes 6.9 KiB of its queue a call, and its reader is slow. */
export function roomFor(variant: string, calls: number, bytes: number): number {
  return variant.startsWith('auditd') ? Math.max(bytes, calls * 12 * 1024) : bytes;
}

export async function collect(
  variant: string,
  argv: readonly string[],
  options: CollectOptions = {},
): Promise<Collected> {
  const records: EventRecord[] = [];
  const { workloadCpus, collectorCpus } = cpusFor(options.placement ?? findVariant(variant).variant.placement);
  const outcome = await runTraced({
    collectors: [
      {
        variant,
        bufferBytes: options.bufferBytes ?? roomFor(variant, 5000, 1 << 22),
        wakeup: null,
        detail: options.detail,
        collectorCpus,
        stallMs: 0,
        stallAfterCalls: 0,
        onBatch: (batch) => {
          for (let i = 0; i < batch.count; i++) {
            records.push(batch.at(i));
            options.onRecord?.();
          }
        },
      },
    ],
    argv,
    filter: options.filter ?? null,
    workloadCpus,
    user: options.user ?? null,
    stdio: 'null',
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    signal: options.signal ?? AbortSignal.timeout(DEADLINE_MS),
  });
  if (outcome.aborted !== null) throw outcome.aborted;
  return { ...outcome, report: onlyReport(outcome), records };
}

export function runCase(variant: string, name: string, n: number, options: CollectOptions = {}): Promise<Collected> {
  return collect(variant, [CALLS_PROGRAM, name, String(n)], options);
}

/** The words of a marked call: which thread of the case made it, and its number. null for any other call. */
export function markOf(record: EventRecord): { thread: number; number: number } | null {
  /* libc's own calls without arguments carry whatever the last marked one left in the registers. */
  if (record.nr !== GETPPID) return null;
  const word = record.args[0];
  if (word === null || word === undefined || word >> 48n !== 0xc0den) return null;
  return { thread: Number((word >> 32n) & 0xffffn), number: Number((word >> 8n) & 0xffffffn) };
}

export interface Subject {
  readonly id: string;
  readonly capabilities: Capabilities;
  /** null: it runs here. */
  readonly unavailable: string | null;
}

/** Which variants must run here whatever the probe says: REQUIRE_BACKENDS=none,ebpf,ptrace in CI. */
const required = new Set((process.env['REQUIRE_BACKENDS'] ?? '').split(',').filter((name) => name !== ''));

/** Every registered variant. One that CI requires is a subject whatever its probe would say, so that its tests fail. */
export async function subjects(): Promise<Subject[]> {
  const all: Subject[] = [];
  for (const id of variantIds) {
    const { backend, variant } = findVariant(id);
    const row = required.has(backend.name) ? null : await probeVariant(id);
    const unavailable = row === null || row.answer === 'yes' ? null : (row.reason ?? 'unknown');
    all.push({ id, capabilities: variant.capabilities, unavailable });
  }
  return all;
}

/** Those that deliver system calls or nothing. What the others deliver has its own cases in functions.test.ts. */
export async function syscallSubjects(): Promise<Subject[]> {
  return (await subjects()).filter((s) => s.capabilities.events === undefined);
}
