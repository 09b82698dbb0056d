/** The kernel's build options that decide what can run here: from its configuration, else from what they leave in /proc and /sys. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelConfig } from '../machine/kernel-config.ts';
import { readMounts } from './mounts.ts';

export interface KernelOption {
  /** Without `CONFIG_`. */
  readonly name: string;
  readonly answer: 'yes' | 'no' | 'unknown';
  /** The file that says so, or why nothing does. */
  readonly shownBy: string;
}

/** A file that is there only with the option; `always`: its absence proves that the option is not set. */
interface Trace {
  readonly path: string;
  readonly always: boolean;
}

/** null: nothing but the configuration tells. */
const OPTIONS: Readonly<Record<string, Trace | null>> = {
  BPF_SYSCALL: { path: 'proc/sys/kernel/unprivileged_bpf_disabled', always: false },
  BPF_EVENTS: null,
  DEBUG_INFO_BTF: { path: 'sys/kernel/btf/vmlinux', always: true },
  FTRACE_SYSCALLS: { path: 'events/syscalls', always: false },
  PERF_EVENTS: { path: 'proc/sys/kernel/perf_event_paranoid', always: true },
  CGROUP_PERF: null,
  AUDITSYSCALL: { path: 'proc/self/loginuid', always: true },
  SECCOMP_FILTER: { path: 'proc/sys/kernel/seccomp/actions_avail', always: false },
  CROSS_MEMORY_ATTACH: null,
  UPROBE_EVENTS: { path: 'sys/bus/event_source/devices/uprobe/type', always: false },
};

function locate(trace: Trace, root: string): string | null {
  if (!trace.path.startsWith('events/')) return trace.path;
  const mount = readMounts(['tracefs'], root)[0]?.path;
  return mount === undefined ? null : join(mount.slice(1), trace.path);
}

function ofTrace(trace: Trace | null, root: string): Omit<KernelOption, 'name'> {
  const none = { answer: 'unknown', shownBy: 'the kernel’s configuration is not shown' } as const;
  const path = trace === null ? null : locate(trace, root);
  if (trace === null || path === null) return none;
  if (existsSync(join(root, path))) return { answer: 'yes', shownBy: `/${path}` };
  const looked = existsSync(join(root, path.startsWith('sys/') ? 'sys/kernel' : 'proc/self'));
  return trace.always && looked ? { answer: 'no', shownBy: `/${path} is missing` } : none;
}

export function readKernelOptions(config: KernelConfig, root = '/'): KernelOption[] {
  return Object.entries(OPTIONS).map(([name, trace]) => {
    if (config.from === null) return { name, ...ofTrace(trace, root) };
    return { name, answer: config.options.get(`CONFIG_${name}`) === 'y' ? 'yes' : 'no', shownBy: config.from };
  });
}
