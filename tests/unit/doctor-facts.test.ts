/** The facts of doctor on made-up machines: ones that show everything, ones that show nothing, and what lies between. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLogin } from '../../harness/doctor/audit-facts.ts';
import { readCgroups, readCpus } from '../../harness/doctor/cpu-facts.ts';
import { known, sysctl, untold } from '../../harness/doctor/fact.ts';
import { type Ask, type MachineFacts, readFacts } from '../../harness/doctor/facts.ts';
import { readKernelOptions } from '../../harness/doctor/kernel-options.ts';
import { machineLines } from '../../harness/doctor/machine-text.ts';
import { findContainer } from '../../harness/machine/container.ts';
import { readKernelConfig } from '../../harness/machine/kernel-config.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tb-facts-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Buffer = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function putNamespaces(changes: Record<string, number> = {}): void {
  const inodes = { ipc: 4026531839, uts: 4026531838, pid: 4026531836, cgroup: 4026531835, ...changes };
  mkdirSync(join(root, 'proc/self/ns'), { recursive: true });
  for (const [name, inode] of Object.entries(inodes))
    symlinkSync(`${name}:[${inode}]`, join(root, 'proc/self/ns', name));
}

const silent: Ask = async () => ({ answered: false, reason: 'not built' });
const read = (ask: Ask = silent): Promise<MachineFacts> => readFacts(ask, silent, root);

test('a machine that shows nothing: every fact says that it cannot be told, and why', async () => {
  const facts = await read();
  const untoldFacts = Object.entries(facts).filter(([, fact]) => fact !== null && fact.value === null);
  expect(untoldFacts.map(([name]) => name).sort()).toEqual([
    'bpfJit',
    'bpfJitHarden',
    'btf',
    'clockEntersKernel',
    'debugfs',
    'lockdown',
    'missingCapabilities',
    'perfEventMlockKib',
    'perfEventParanoid',
    'ptraceScope',
    'seccompMode',
    'tracefs',
    'unprivilegedBpfDisabled',
  ]);
  for (const [name, fact] of untoldFacts) expect(fact.reason, name).toMatch(/./);
  expect(facts.container.answer).toBe('unknown');
  expect(facts.kernelOptions.every((o) => o.answer === 'unknown')).toBe(true);
  expect(facts.cpus).toEqual({
    allowed: untold('/proc/self/status does not say'),
    quota: untold('control groups are not mounted'),
  });
  expect(facts.audit.reason).toBe('tracebench-guard: not built');
  for (const [label, text] of machineLines(facts, null)) expect(text, label).not.toMatch(/undefined|null|NaN/);
});

describe('settings of /proc/sys', () => {
  test('a number, or why there is none', () => {
    expect(sysctl('kernel/perf_event_paranoid', root)).toEqual(untold('/proc/sys is missing'));
    put('proc/sys/kernel/perf_event_paranoid', '-1\n');
    expect(sysctl('kernel/perf_event_paranoid', root)).toEqual(known(-1));
    expect(sysctl('net/core/bpf_jit_enable', root)).toEqual(untold('not in this kernel'));
    put('proc/sys/kernel/odd', 'on\n');
    expect(sysctl('kernel/odd', root)).toEqual(untold('not a number: on'));
    mkdirSync(join(root, 'proc/sys/kernel/folder'));
    expect(sysctl('kernel/folder', root)).toEqual(untold('EISDIR'));
  });

  test('without Yama nothing restricts ptrace', async () => {
    put('proc/sys/kernel/osrelease', '6.1.0\n');
    expect((await read()).ptraceScope).toEqual(known('no Yama'));
    put('proc/sys/kernel/yama/ptrace_scope', '1\n');
    expect((await read()).ptraceScope).toEqual(known(1));
  });
});

describe('kernel options', () => {
  const answers = (): Record<string, string> =>
    Object.fromEntries(readKernelOptions(readKernelConfig(root, '6.1.0'), root).map((o) => [o.name, o.answer]));

  test('from the configuration: what it does not set is not set', () => {
    put('proc/config.gz', gzipSync('CONFIG_PERF_EVENTS=y\n# CONFIG_AUDITSYSCALL is not set\n'));
    put('proc/self/loginuid', '0');
    expect(answers()).toMatchObject({ PERF_EVENTS: 'yes', AUDITSYSCALL: 'no', CROSS_MEMORY_ATTACH: 'no' });
  });

  test.each(['boot/config-6.1.0', 'lib/modules/6.1.0/config'])('the configuration may be in /%s', (path) => {
    put(path, 'CONFIG_SECCOMP_FILTER=y\n');
    expect(readKernelOptions(readKernelConfig(root, '6.1.0'), root)).toContainEqual({
      name: 'SECCOMP_FILTER',
      answer: 'yes',
      shownBy: `/${path}`,
    });
  });

  test('without it, from what the options leave behind; the rest cannot be told', () => {
    put('proc/self/status');
    put('proc/self/mounts', 'tracefs /t tracefs rw 0 0\n');
    put('t/events/syscalls/enable', '0');
    put('proc/sys/kernel/unprivileged_bpf_disabled', '2');
    expect(answers()).toEqual({
      BPF_SYSCALL: 'yes',
      BPF_EVENTS: 'unknown',
      DEBUG_INFO_BTF: 'unknown',
      FTRACE_SYSCALLS: 'yes',
      PERF_EVENTS: 'no',
      CGROUP_PERF: 'unknown',
      AUDITSYSCALL: 'no',
      SECCOMP_FILTER: 'unknown',
      CROSS_MEMORY_ATTACH: 'unknown',
      UPROBE_EVENTS: 'unknown',
    });
  });

  test('a configuration that is no gzip is passed over', () => {
    put('proc/config.gz', 'CONFIG_HZ=1\n');
    expect(readKernelConfig(root, '6.1.0').from).toBeNull();
  });
});

describe('lockdown', () => {
  test('as its file says', async () => {
    put('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
    expect((await read()).lockdown).toEqual(known('integrity'));
  });

  test('is none where the kernel was built without, or did not start it', async () => {
    put('sys/kernel/security/lsm', 'capability,yama\n');
    expect((await read()).lockdown).toEqual(known('none'));
    rmSync(join(root, 'sys'), { recursive: true });
    put('proc/config.gz', gzipSync('CONFIG_HZ=250\n'));
    expect((await read()).lockdown).toEqual(known('none'));
  });

  test('cannot be told where the kernel has it and securityfs is not mounted', async () => {
    put('proc/config.gz', gzipSync('CONFIG_SECURITY_LOCKDOWN_LSM=y\n'));
    expect((await read()).lockdown.reason).toMatch(/securityfs/);
  });
});

describe('CPUs', () => {
  const quota = () => readCpus(root).quota;

  test('the tightest quota of all groups above counts, in version 2', () => {
    put('proc/self/mounts', 'cgroup2 /cg cgroup2 rw 0 0\n');
    put('proc/self/cgroup', '0::/a/b\n');
    put('cg/a/cpu.max', '150000 100000\n');
    put('cg/a/b/cpu.max', 'max 100000\n');
    expect(quota()).toEqual(known(1.5));
    expect(readCgroups(root)).toEqual({ v1: known(false), v2: known('/cg') });
  });

  test('in version 1, also with version 2 beside it', () => {
    put('proc/self/mounts', 'cgroup2 /cg/u cgroup2 rw 0 0\ncgroup /cg/cpu cgroup rw,cpu,cpuacct 0 0\n');
    put('proc/self/cgroup', '3:cpu,cpuacct:/a\n0::/\n');
    put('cg/cpu/a/cpu.cfs_quota_us', '50000\n');
    put('cg/cpu/a/cpu.cfs_period_us', '100000\n');
    put('cg/cpu/cpu.cfs_quota_us', '-1\n');
    expect(quota()).toEqual(known(0.5));
    expect(readCgroups(root)).toEqual({ v1: known(true), v2: known('/cg/u') });
  });

  test('systemd’s own hierarchy is no controller of version 1', () => {
    put('proc/self/mounts', 'cgroup /s cgroup rw,xattr,name=systemd 0 0\ncgroup2 /cg cgroup2 rw 0 0\n');
    expect(readCgroups(root).v1).toEqual(known(false));
    put('proc/self/mounts', 'cgroup /c cgroup rw,cpuset 0 0\n');
    expect(readCgroups(root)).toEqual({ v1: known(true), v2: known('not mounted') });
  });

  test('no quota in sight is none only where nothing is hidden', () => {
    put('proc/self/mounts', 'cgroup2 /cg cgroup2 rw 0 0\n');
    put('proc/self/cgroup', '0::/\n');
    putNamespaces({ cgroup: 4026532000 });
    expect(quota().reason).toMatch(/hidden/);
    rmSync(join(root, 'proc/self/ns'), { recursive: true });
    putNamespaces();
    expect(quota()).toEqual(known('none'));
    put('proc/self/cgroup', '0::/../x\n');
    expect(quota().reason).toMatch(/outside/);
  });

  test('affinity', () => {
    put('proc/self/status', 'Cpus_allowed:\t5\nCpus_allowed_list:\t0,2\n');
    expect(readCpus(root).allowed).toEqual(known([0, 2]));
  });
});

describe('containers', () => {
  test('say what shows them', () => {
    putNamespaces({ uts: 4026532201 });
    expect(findContainer(root)).toMatchObject({ answer: 'no', shownBy: expect.stringContaining('initial pid') });
    put('.dockerenv');
    expect(findContainer(root)).toEqual({ answer: 'yes', name: 'docker', shownBy: '/.dockerenv' });
  });

  test('are none where all namespaces are the machine’s own', () => {
    putNamespaces();
    put('.dockerenv');
    expect(findContainer(root)).toMatchObject({ answer: 'no', name: null });
  });
});

test('capabilities and BTF, missing and there', async () => {
  put('proc/self/status', 'CapEff:\t0000000000200000\n');
  put('sys/kernel/osrelease');
  const facts = await read();
  expect(facts.missingCapabilities.value).toContain('bpf');
  expect(facts.missingCapabilities.value).not.toContain('sys_admin');
  expect(facts.btf).toEqual(known(false));
  put('sys/kernel/btf/vmlinux');
  expect((await read()).btf).toEqual(known(true));
});

test('login uid and session, unset or not there', () => {
  expect(readLogin(root).loginUid.reason).toMatch(/audits no system calls/);
  put('proc/self/loginuid', '4294967295');
  put('proc/self/sessionid', '7');
  expect(readLogin(root)).toEqual({ loginUid: known('unset'), session: known(7) });
});

test('limits on locked memory, soft and hard', async () => {
  put('proc/self/limits', 'Limit  Soft Limit  Hard Limit  Units\nMax locked memory  65536   unlimited   bytes\n');
  expect((await read()).memlock).toEqual({ soft: known(65536), hard: known('unlimited') });
});

test('whether the clock enters the kernel is asked of our program', async () => {
  const saying = (json: Record<string, unknown>) => read(async () => ({ answered: true, json }));
  expect((await saying({ clockEntersKernel: true })).clockEntersKernel).toEqual(known(true));
  expect((await saying({})).clockEntersKernel.reason).toMatch(/does not say/);
  expect((await read()).clockEntersKernel).toEqual(untold('not built'));
});
