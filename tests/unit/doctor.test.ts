import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAudit } from '../../harness/doctor/audit-facts.ts';
import { known, untold } from '../../harness/doctor/fact.ts';
import type { MachineFacts } from '../../harness/doctor/facts.ts';
import { readMounts } from '../../harness/doctor/mounts.ts';
import { listOurProcesses, readOurProcess } from '../../harness/doctor/processes.ts';
import { askProgram } from '../../harness/doctor/programs.ts';
import { describeGuardRepair, repairProcesses } from '../../harness/doctor/repair.ts';
import { buildReport, renderDoctor } from '../../harness/doctor/report.ts';
import { canonicalJson } from '../../harness/doctor/state.ts';
import type { BackendRow } from '../../harness/result.ts';

const machine: MachineFacts = {
  environment: {
    kernelRelease: '6.1.0',
    kernelVersion: '#1 SMP',
    arch: 'x64',
    cpuModel: 'A CPU',
    cpusOnline: 2,
    memoryBytes: 8 * 2 ** 30,
    virtualisation: 'kvm',
    preemption: 'none',
    hz: 250,
    clocksource: 'tsc',
    mitigations: {},
    governor: null,
    capabilities: [],
    uid: 1000,
    lockdown: null,
    btf: true,
    container: null,
    nodeVersion: 'v20.19.0',
    toolVersion: '0.1.0',
    gitRevision: null,
    osRelease: 'Debian GNU/Linux 12 (bookworm)',
  },
  missingCapabilities: known(['sys_admin', 'bpf']),
  btf: known(true),
  kernelOptions: [
    { name: 'BPF_SYSCALL', answer: 'yes', shownBy: '/proc/sys/kernel/unprivileged_bpf_disabled' },
    { name: 'PERF_EVENTS', answer: 'no', shownBy: '/proc/sys/kernel/perf_event_paranoid is missing' },
    { name: 'CGROUP_PERF', answer: 'unknown', shownBy: 'the kernel’s configuration is not shown' },
  ],
  lockdown: untold('securityfs is not mounted'),
  clockEntersKernel: known(false),
  cpus: { allowed: known([1]), quota: known(1.5) },
  cgroups: { v1: known(false), v2: known('/sys/fs/cgroup') },
  container: { answer: 'no', name: null, shownBy: 'all namespaces are the initial ones' },
  initialPidNamespace: true,
  seccompMode: known(0),
  bpfJit: known(1),
  bpfJitHarden: untold('for root only'),
  unprivilegedBpfDisabled: known(2),
  perfEventParanoid: known(3),
  perfEventMlockKib: known(516),
  ptraceScope: known('no Yama'),
  memlock: { soft: known(8 * 2 ** 20), hard: known('unlimited') },
  tracefs: known('/sys/kernel/tracing'),
  debugfs: known('not mounted'),
  login: { loginUid: known(1000), session: known('unset') },
  audit: {
    enabled: 1,
    ownerPid: 412,
    ownerLives: true,
    ownerName: 'auditd',
    rules: 3,
    neverTask: false,
    loginuidImmutable: { on: true, locked: true },
    onlyUnsetLoginuid: { on: false, locked: false },
    reason: null,
  },
};

const yes = (variant: string): BackendRow => ({ variant, answer: 'yes', reason: null, mend: null });
const no = (variant: string, mend: string | null): BackendRow => ({ variant, answer: 'no', reason: 'EPERM', mend });

describe('the report', () => {
  test('says whom sudo serves', () => {
    expect(renderDoctor(buildReport(machine, [yes('none')], 'ann'))).toMatch(
      /^ {2}user +uid \d+; what traces is started through sudo$/m,
    );
    expect(renderDoctor(buildReport(machine, [yes('none')], null))).not.toMatch(/sudo/);
  });

  const rows = [
    yes('none'),
    no('ebpf', 'run as root'),
    no('ebpf/count', 'run as root'),
    yes('ptrace'),
    no('perf', 'mount it'),
  ];
  const report = buildReport(machine, rows, null);

  test('groups the mends by what they bring', () => {
    expect(report.usable).toBe(2);
    expect(report.total).toBe(5);
    expect(report.mends).toEqual([
      { mend: 'run as root', variants: ['ebpf', 'ebpf/count'] },
      { mend: 'mount it', variants: ['perf'] },
    ]);
    expect(report.verdict).toBe('You can run 2 of 5; this gets 2 more: run as root; this gets 1 more: mount it.');
  });

  test('as text', () => {
    expect(renderDoctor(report)).toBe(
      [
        'Machine',
        '  system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x64',
        '  cpu        A CPU, 8.0 GiB, hypervisor: kvm',
        '  cpus       2 online, allowed 1: 1, quota 1.5 CPUs',
        '  cgroups    version 1 not mounted, version 2 at /sys/fs/cgroup',
        '  kernel     preemption none, HZ 250, lockdown ? (securityfs is not mounted)',
        '  options    1 of 3 wanted ones are set (/proc and /sys; the configuration is not shown); ' +
          'not set: PERF_EVENTS; ? CGROUP_PERF',
        '  clock      CLOCK_MONOTONIC from tsc, read in the vDSO',
        '  container  none (all namespaces are the initial ones), seccomp mode 0',
        '  user       uid 1000, lacks sys_admin, bpf',
        '  login      login uid 1000, session unset, loginuid_immutable on (locked), only_unset_loginuid off',
        '  limits     RLIMIT_MEMLOCK 8192 KiB (hard unlimited)',
        '  bpf        BTF yes, JIT on, bpf_jit_harden ? (for root only), unprivileged_bpf_disabled 2',
        '  perf       perf_event_paranoid 3, perf_event_mlock_kb 516',
        '  ptrace     no Yama',
        '  tracefs    at /sys/kernel/tracing, debugfs not mounted',
        '  audit      on, owned by pid 412 (auditd), 3 rules, no never,task rule',
        '',
        'Backends',
        '  none        yes',
        '  ebpf        no  EPERM',
        '  ebpf/count  no  as ebpf',
        '  ptrace      yes',
        '  perf        no  EPERM',
        '',
        'Mends',
        '  run as root',
        '    gets ebpf, ebpf/count',
        '  mount it',
        '    gets perf',
        '',
        'You can run 2 of 5; this gets 2 more: run as root; this gets 1 more: mount it.',
        '',
      ].join('\n'),
    );
  });

  test('with nothing to mend', () => {
    expect(buildReport(machine, [yes('none')], null).verdict).toBe('You can run 1 of 1.');
    expect(buildReport(machine, [yes('none'), no('x', null)], null).verdict).toBe(
      'You can run 1 of 2; no mend is known for the others.',
    );
  });
});

describe('files and programs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tb-doctor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function program(text: string): void {
    writeFileSync(join(directory, 'helper'), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, 'helper'), 0o755);
  }

  test('mounts by type, with blanks in their paths', () => {
    mkdirSync(join(directory, 'proc/self'), { recursive: true });
    const lines = ['proc /proc proc rw 0 0', 'tracefs /my\\040traces tracefs rw 0 0', 'none /d debugfs rw 0 0'];
    writeFileSync(join(directory, 'proc/self/mounts'), `${lines.join('\n')}\n`);
    expect(readMounts(['tracefs'], directory)).toEqual([{ path: '/my traces', type: 'tracefs', options: ['rw'] }]);
    expect(readMounts(['debugfs', 'tracefs'], directory).map((m) => m.path)).toEqual(['/my traces', '/d']);
    expect(readMounts(['bpf'], directory)).toEqual([]);
  });

  test('a program’s answer, or why there is none', async () => {
    expect(await askProgram('helper', [], { directory })).toEqual({ answered: false, reason: 'not built' });
    program('echo "{\\"a\\":$1}"');
    expect(await askProgram('helper', ['7'], { directory })).toEqual({ answered: true, json: { a: 7 } });
    const asRoot = { directory, prefix: ['/usr/bin/env', 'B=8'] };
    program('echo "{\\"a\\":$1$B}"');
    expect(await askProgram('helper', ['7'], asRoot)).toEqual({ answered: true, json: { a: 78 } });
    program('echo no >&2; exit 3');
    expect(await askProgram('helper', [], { directory })).toEqual({ answered: false, reason: 'no' });
    program('echo "[1]"');
    expect(await askProgram('helper', [], { directory })).toEqual({
      answered: false,
      reason: 'printed no JSON object: [1]',
    });
  });

  describe('processes', () => {
    const started: number[] = [];
    const children: ChildProcess[] = [];
    beforeEach(() => copyFileSync('/bin/sleep', join(directory, 'tb-sleeper')));
    afterEach(() => {
      for (const pid of started.splice(0)) if (readOurProcess(pid, directory) !== null) process.kill(pid, 'SIGKILL');
      for (const child of children.splice(0)) child.kill('SIGKILL');
    });

    test('with a living parent are listed and left alone', async () => {
      const child = spawn(join(directory, 'tb-sleeper'), ['30'], { stdio: 'ignore' });
      children.push(child);
      await new Promise((resolve) => child.once('spawn', resolve));
      const [ours, ...others] = listOurProcesses(directory);
      expect(others).toEqual([]);
      expect(ours).toMatchObject({ pid: child.pid, ppid: process.pid, name: 'tb-sleeper' });
      expect(repairProcesses(directory)).toEqual([
        `left alone: tb-sleeper (pid ${child.pid}), its parent ${process.pid} is alive`,
      ]);
      expect(readOurProcess(child.pid as number, directory)).not.toBeNull();
    });

    test('that were orphaned are ended, and nobody else', async () => {
      const bystander = spawn('/bin/sleep', ['30'], { stdio: 'ignore' });
      children.push(bystander);
      const shell = spawnSync('/bin/sh', ['-c', `${join(directory, 'tb-sleeper')} 30 >/dev/null 2>&1 & echo $!`]);
      const pid = Number(shell.stdout.toString());
      started.push(pid);
      let ours = readOurProcess(pid, directory);
      for (let i = 0; i < 100 && ours === null; i++) {
        await sleep(10);
        ours = readOurProcess(pid, directory);
      }
      // Under a subreaper that is no init (a desktop session's) an orphan is only named.
      const reaped = ours?.ppid === 1;
      const [line] = repairProcesses(directory);
      expect(line).toBe(
        reaped
          ? `ended orphaned tb-sleeper (pid ${pid})`
          : `left alone: tb-sleeper (pid ${pid}), its parent ${ours?.ppid} is alive`,
      );
      if (reaped) {
        for (let i = 0; i < 100 && readOurProcess(pid, directory) !== null; i++) await sleep(10);
        expect(readOurProcess(pid, directory)).toBeNull();
      }
      expect(bystander.exitCode).toBeNull();
      expect(bystander.signalCode).toBeNull();
    });
  });
});

describe('audit', () => {
  const nothing = {
    enabled: null,
    ownerPid: null,
    ownerLives: null,
    ownerName: null,
    rules: null,
    neverTask: null,
    loginuidImmutable: null,
    onlyUnsetLoginuid: null,
  };

  test('that nobody could ask', () => {
    expect(readAudit({ answered: false, reason: 'not built' })).toEqual({
      ...nothing,
      reason: 'tracebench-guard: not built',
    });
    const json = { audit: { available: false, reason: 'needs CAP_AUDIT_CONTROL' } };
    expect(readAudit({ answered: true, json })).toEqual({ ...nothing, reason: 'needs CAP_AUDIT_CONTROL' });
  });

  const off = { on: false, locked: false };
  const answerWith = (changes: object) => ({
    answered: true as const,
    json: {
      audit: {
        available: true,
        enabled: 1,
        pid: 0,
        ownerLives: false,
        features: { loginuidImmutable: { on: true, locked: true }, onlyUnsetLoginuid: off },
        rules: [{ filter: 'exit', action: 'always' }],
        ...changes,
      },
    },
  });

  test('with an owner', () => {
    const facts = readAudit(answerWith({ pid: process.pid, ownerLives: true }));
    expect(facts).toMatchObject({ enabled: 1, ownerPid: process.pid, ownerLives: true, rules: 1, reason: null });
    expect(facts.ownerName).not.toBeNull();
  });

  test('with settings about login uids, and on a kernel without', () => {
    const facts = readAudit(answerWith({}));
    expect(facts).toMatchObject({ loginuidImmutable: { on: true, locked: true }, onlyUnsetLoginuid: off });
    expect(readAudit(answerWith({ features: null }))).toMatchObject({ loginuidImmutable: null, reason: null });
  });

  test('with a rule that hides every new task', () => {
    expect(readAudit(answerWith({})).neverTask).toBe(false);
    const rules = [
      { filter: 'exit', action: 'never' },
      { filter: 'task', action: 'never' },
    ];
    expect(readAudit(answerWith({ rules })).neverTask).toBe(true);
  });

  test('in words nobody promised is said to be unknown, not guessed', () => {
    const facts = readAudit({ answered: true, json: { audit: { available: true } } });
    expect(facts).toMatchObject(nothing);
    expect(facts.reason).toMatch(/^tracebench-guard: .*enabled/s);
  });
});

test.each([
  ['{"never-task":{"removed":[],"inUse":[]}}', 0, []],
  [
    '{"never-task":{"removed":["tb 7"],"inUse":["tb 9"]}}',
    0,
    ['removed stale never-task: tb 7', 'left alone: never-task tb 9, its guard is alive'],
  ],
  ['{"never-task":{"error":"needs CAP_AUDIT_CONTROL"}}', 3, ['could not repair never-task: needs CAP_AUDIT_CONTROL']],
  ['', 9, ['what guards held was not looked at: tracebench-guard: exit code 9']],
])('the guard’s repair %s in words', (stdout, exitCode, lines) => {
  expect(describeGuardRepair({ ran: true, exitCode, stdout, stderr: '' })).toEqual(lines);
});

test('canonical JSON does not depend on the order of keys, and does on that of elements', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
});
