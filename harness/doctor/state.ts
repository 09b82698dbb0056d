/**
 * One canonical document of everything on this machine that a backend may change, for comparing before and after.
 * Reads only, and mounts nothing to read.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFact } from '../machine/proc-files.ts';
import { readMounts } from './mounts.ts';
import { listOurProcesses } from './processes.ts';
import { askProgram, type ProgramAnswer } from './programs.ts';

const TRACEFS_FILES = [
  'tracing_on',
  'current_tracer',
  'set_event',
  'set_event_pid',
  'trace_clock',
  'kprobe_events',
  'uprobe_events',
  'events/bpf_trace/bpf_trace_printk/enable',
] as const;

const SYSCTLS = ['kernel/ftrace_enabled', 'kernel/bpf_stats_enabled', 'kernel/perf_event_paranoid'] as const;

export interface MachineState {
  /** As tracebench-guard reports it (audit's status and rules, without counters); or why it does not. */
  readonly guard: unknown;
  /** Live BPF objects of ours: programs and maps with id, name and type; null where the kernel does not list them. */
  readonly bpf: unknown;
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
  readonly mounts: readonly string[];
  /** The top-level instance and the names of all others; null when tracefs is not mounted. */
  readonly tracefs: {
    readonly instances: readonly string[];
    readonly files: Readonly<Record<string, string | null>>;
  } | null;
  readonly sysctls: Readonly<Record<string, string | null>>;
}

function answerOf(answer: ProgramAnswer): unknown {
  return answer.answered ? answer.json : { unreadable: answer.reason };
}

function directories(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function tracefsState(): MachineState['tracefs'] {
  const [first] = readMounts(['tracefs']);
  const debugfs = readMounts(['debugfs'])[0]?.path;
  const top =
    first?.path ??
    (debugfs !== undefined && readFact(join(debugfs, 'tracing/tracing_on')) !== null ? join(debugfs, 'tracing') : null);
  if (top === null) return null;
  return {
    instances: directories(join(top, 'instances')),
    files: Object.fromEntries(TRACEFS_FILES.map((file) => [file, readFact(join(top, file))])),
  };
}

/**
 * Reads the state as it stands, with sorted keys at every level, so that any JSON of it is canonical. BPF objects
 * outlive their descriptors by up to 0.3 s: see settledState.
 */
export async function machineState(): Promise<MachineState> {
  const guard = answerOf(await askProgram('tracebench-guard', ['--state']));
  const bpf = answerOf(await askProgram('tracebench-state', []));
  const state: MachineState = {
    guard,
    bpf,
    processes: listOurProcesses().map(({ pid, name }) => ({ pid, name })),
    mounts: readMounts(['tracefs', 'debugfs', 'bpf']).map((m) => `${m.type} ${m.path}`),
    tracefs: tracefsState(),
    sysctls: Object.fromEntries(SYSCTLS.map((name) => [name.replace('/', '.'), readFact(join('/proc/sys', name))])),
  };
  return JSON.parse(canonicalJson(state)) as MachineState;
}

/** JSON with sorted keys and no blanks: equal text for equal content. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Reads the state until it equals `expected` (canonical JSON), for at most limitMs; returns the last one as canonical
 * JSON, which then differs.
 */
export async function settledState(expected: string, limitMs = 2_000): Promise<string> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const state = canonicalJson(await machineState());
    if (state === expected || performance.now() >= deadline) return state;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
