/** The facts behind the probes' answers: what a reader needs to see why a backend cannot run, and what would mend it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerFinding, findContainer } from '../machine/container.ts';
import { readEnvironment } from '../machine/environment.ts';
import { readKernelConfig } from '../machine/kernel-config.ts';
import { field, INITIAL_NAMESPACES, namespaceInode, readFact } from '../machine/proc-files.ts';
import type { Environment } from '../result.ts';
import { type AuditFacts, type LoginFacts, readAudit, readLogin } from './audit-facts.ts';
import { type CgroupFacts, type CpuFacts, readCgroups, readCpus } from './cpu-facts.ts';
import { type Fact, known, sysctl, untold } from './fact.ts';
import { type KernelOption, readKernelOptions } from './kernel-options.ts';
import { mountPoint } from './mounts.ts';
import type { ProgramAnswer } from './programs.ts';

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

/** In bytes. */
export type Limit = Fact<number | 'unlimited'>;

export interface MachineFacts {
  readonly environment: Environment;
  /** Of those that something here makes use of. */
  readonly missingCapabilities: Fact<readonly string[]>;
  readonly btf: Fact<boolean>;
  readonly kernelOptions: readonly KernelOption[];
  /** `none` also where the kernel has no lockdown. */
  readonly lockdown: Fact<string>;
  /** A read of the clock is a system call; false: the vDSO answers. */
  readonly clockEntersKernel: Fact<boolean>;
  readonly cpus: CpuFacts;
  readonly cgroups: CgroupFacts;
  readonly container: ContainerFinding;
  /** Pids are those the kernel records; null: /proc does not say. */
  readonly initialPidNamespace: boolean | null;
  /** 0 none, 1 strict, 2 filter: of this process, so of every target. */
  readonly seccompMode: Fact<number>;
  readonly bpfJit: Fact<number>;
  readonly bpfJitHarden: Fact<number>;
  readonly unprivilegedBpfDisabled: Fact<number>;
  readonly perfEventParanoid: Fact<number>;
  readonly perfEventMlockKib: Fact<number>;
  /** `no Yama`: any process may trace those of its user. */
  readonly ptraceScope: Fact<number | 'no Yama'>;
  readonly memlock: { readonly soft: Limit; readonly hard: Limit };
  /** Where it is mounted in this mount namespace. */
  readonly tracefs: Fact<string | 'not mounted'>;
  readonly debugfs: Fact<string | 'not mounted'>;
  readonly login: LoginFacts;
  readonly audit: AuditFacts;
}

/** Asks one of our native programs. */
export type Ask = (program: string, args: readonly string[]) => Promise<ProgramAnswer>;

function readMissingCapabilities(held: readonly string[], root: string): MachineFacts['missingCapabilities'] {
  const shown = field(readFact(join(root, 'proc/self/status')), 'CapEff') !== null;
  if (!shown) return untold('/proc/self/status does not say which capabilities are held');
  return known(USED_CAPABILITIES.filter((name) => !held.includes(name)));
}

function readBtf(there: boolean, root: string): Fact<boolean> {
  return there || existsSync(join(root, 'sys/kernel')) ? known(there) : untold('/sys is not mounted');
}

function memlock(root: string): MachineFacts['memlock'] {
  const line = /^Max locked memory\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(
    readFact(join(root, 'proc/self/limits')) ?? '',
  );
  const limit = (text: string | undefined): Limit => {
    if (text === undefined) return untold('/proc/self/limits does not say');
    return known(text === 'unlimited' ? text : Number(text));
  };
  return { soft: limit(line?.[1]), hard: limit(line?.[2]) };
}

function readLockdown(mode: string | null, hasLsm: boolean | null, root: string): Fact<string> {
  if (mode !== null) return known(mode);
  if (hasLsm === false) return known('none');
  const active = readFact(join(root, 'sys/kernel/security/lsm'));
  if (active === null) return untold('to see it: mount -t securityfs none /sys/kernel/security');
  return active.split(',').includes('lockdown') ? untold('its file cannot be read') : known('none');
}

function readPtraceScope(root: string): MachineFacts['ptraceScope'] {
  const scope = sysctl('kernel/yama/ptrace_scope', root);
  return scope.reason === 'not in this kernel' ? known('no Yama') : scope;
}

function readSeccompMode(root: string): Fact<number> {
  const mode = field(readFact(join(root, 'proc/self/status')), 'Seccomp');
  return mode === null ? untold('/proc/self/status does not say') : known(Number(mode));
}

async function readClock(ask: Ask): Promise<Fact<boolean>> {
  const answer = await ask('tracebench-calibrate', ['--clock']);
  if (!answer.answered) return untold(answer.reason);
  const enters = answer.json['clockEntersKernel'];
  return typeof enters === 'boolean' ? known(enters) : untold('tracebench-calibrate does not say');
}

/**
 * Reads all of them. `ask` reaches our programs as this user, `askTracer` as whoever traces: only root is told about audit.
 * `root` stands for /, as in readEnvironment.
 */
export async function readFacts(ask: Ask, askTracer: Ask, root = '/'): Promise<MachineFacts> {
  const environment = await readEnvironment(root);
  const pidNamespace = namespaceInode('pid', root);
  const config = readKernelConfig(root, environment.kernelRelease);
  const lockdownLsm = config.from === null ? null : config.options.has('CONFIG_SECURITY_LOCKDOWN_LSM');
  return {
    environment,
    missingCapabilities: readMissingCapabilities(environment.capabilities, root),
    btf: readBtf(environment.btf, root),
    kernelOptions: readKernelOptions(config, root),
    lockdown: readLockdown(environment.lockdown, lockdownLsm, root),
    clockEntersKernel: await readClock(ask),
    cpus: readCpus(root),
    cgroups: readCgroups(root),
    container: findContainer(root),
    initialPidNamespace: pidNamespace === null ? null : pidNamespace === INITIAL_NAMESPACES.pid,
    seccompMode: readSeccompMode(root),
    bpfJit: sysctl('net/core/bpf_jit_enable', root),
    bpfJitHarden: sysctl('net/core/bpf_jit_harden', root),
    unprivilegedBpfDisabled: sysctl('kernel/unprivileged_bpf_disabled', root),
    perfEventParanoid: sysctl('kernel/perf_event_paranoid', root),
    perfEventMlockKib: sysctl('kernel/perf_event_mlock_kb', root),
    ptraceScope: readPtraceScope(root),
    memlock: memlock(root),
    tracefs: mountPoint('tracefs', root),
    debugfs: mountPoint('debugfs', root),
    login: readLogin(root),
    audit: readAudit(await askTracer('tracebench-guard', ['--state']), root),
  };
}
