/** The facts behind the probes' answers: what a reader needs to see why a backend cannot run, and what would mend it. */
import { join } from 'node:path';
import { z } from 'zod';
import { namespaceInode, readEnvironment, readFact } from '../environment.ts';
import type { Environment } from '../result.ts';
import { readMounts } from './mounts.ts';
import { askProgram, type ProgramAnswer } from './programs.ts';

/** Capabilities that some backend or part of the harness makes use of. */
const USED_CAPABILITIES = [
  'sys_admin',
  'bpf',
  'perfmon',
  'sys_ptrace',
  'sys_resource',
  'sys_nice',
  'ipc_lock',
  'setuid',
  'setgid',
  'dac_override',
  'audit_control',
  'audit_read',
] as const;

const INITIAL_PID_NAMESPACE = 4026531836;

export interface AuditFacts {
  /** 0 off, 1 on, 2 locked; null when it could not be read. */
  readonly enabled: number | null;
  /** Process that owns the audit socket; 0: nobody. */
  readonly ownerPid: number | null;
  /** The process is alive and holds an audit socket: audit is really taken. */
  readonly ownerLives: boolean | null;
  /** Command of the process, when it is alive. */
  readonly ownerName: string | null;
  readonly rules: number | null;
  /** Why there is nothing to say; null when there is. */
  readonly reason: string | null;
}

/** Numbers are the kernel's settings as they stand; null: this kernel or user does not show it. */
export interface MachineFacts {
  readonly environment: Environment;
  readonly missingCapabilities: readonly string[];
  readonly bpfJit: number | null;
  readonly unprivilegedBpfDisabled: number | null;
  readonly perfEventParanoid: number | null;
  readonly ptraceScope: number | null;
  readonly memlockBytes: number | 'unlimited' | null;
  /** Where tracefs is reachable; null: not mounted. */
  readonly tracefs: string | null;
  readonly debugfs: string | null;
  /** Pids are those the kernel records; null: /proc does not say. */
  readonly initialPidNamespace: boolean | null;
  /** 0 none, 1 strict, 2 filter: of this process, so of every target. */
  readonly seccompMode: number | null;
  readonly audit: AuditFacts;
}

function numberFact(path: string): number | null {
  const text = readFact(path);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

function memlock(root: string): number | 'unlimited' | null {
  const soft = /^Max locked memory\s+(\d+|unlimited)/m.exec(readFact(join(root, 'proc/self/limits')) ?? '')?.[1];
  if (soft === undefined) return null;
  return soft === 'unlimited' ? soft : Number(soft);
}

/** What tracebench-guard --state says of audit. */
const guardSchema = z.object({
  audit: z.discriminatedUnion('available', [
    z.object({ available: z.literal(false), reason: z.string() }),
    z.object({
      available: z.literal(true),
      enabled: z.number(),
      pid: z.number(),
      ownerLives: z.boolean(),
      rules: z.array(z.unknown()),
    }),
  ]),
});

/** The part of the guard's state that is about audit, as far as it tells. */
export function readAudit(answer: ProgramAnswer, root = '/'): AuditFacts {
  const nothing = { enabled: null, ownerPid: null, ownerLives: null, ownerName: null, rules: null };
  if (!answer.answered) return { ...nothing, reason: `tracebench-guard: ${answer.reason}` };
  const parsed = guardSchema.safeParse(answer.json);
  if (!parsed.success) return { ...nothing, reason: `tracebench-guard: ${z.prettifyError(parsed.error)}` };
  const { audit } = parsed.data;
  if (!audit.available) return { ...nothing, reason: audit.reason };
  return {
    enabled: audit.enabled,
    ownerPid: audit.pid,
    ownerLives: audit.ownerLives,
    ownerName: audit.pid === 0 ? null : readFact(join(root, `proc/${audit.pid}/comm`)),
    rules: audit.rules.length,
    reason: null,
  };
}

/** Reads all of them. `root` stands for /, as in readEnvironment. */
export async function readFacts(root = '/'): Promise<MachineFacts> {
  const environment = await readEnvironment(root);
  const pidNamespace = namespaceInode('pid', root);
  const sysctl = (name: string): number | null => numberFact(join(root, 'proc/sys', name));
  const mounts = readMounts(['tracefs', 'debugfs'], root);
  const debugfs = mounts.find((m) => m.type === 'debugfs')?.path ?? null;
  const seccomp = /^Seccomp:\s+(\d)/m.exec(readFact(join(root, 'proc/self/status')) ?? '')?.[1];
  return {
    environment,
    missingCapabilities: USED_CAPABILITIES.filter((name) => !environment.capabilities.includes(name)),
    bpfJit: sysctl('net/core/bpf_jit_enable'),
    unprivilegedBpfDisabled: sysctl('kernel/unprivileged_bpf_disabled'),
    perfEventParanoid: sysctl('kernel/perf_event_paranoid'),
    ptraceScope: sysctl('kernel/yama/ptrace_scope'),
    memlockBytes: memlock(root),
    tracefs: mounts.find((m) => m.type === 'tracefs')?.path ?? null,
    debugfs,
    initialPidNamespace: pidNamespace === null ? null : pidNamespace === INITIAL_PID_NAMESPACE,
    seccompMode: seccomp === undefined ? null : Number(seccomp),
    audit: readAudit(await askProgram('tracebench-guard', ['--state']), root),
  };
}
