import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeCapabilities, fingerprint, readEnvironment } from '../../harness/machine/environment.ts';
import { parseCpuList } from '../../harness/machine/proc-files.ts';
import { environmentSchema } from '../../harness/result.ts';
import { readCpuTicks, stealFraction } from '../../harness/study/calibration.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tb-env-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function putNamespace(name: string, inode: number): void {
  mkdirSync(join(root, 'proc/self/ns'), { recursive: true });
  symlinkSync(`${name}:[${inode}]`, join(root, 'proc/self/ns', name));
}

describe('a machine that shows everything', () => {
  beforeEach(() => {
    put('proc/sys/kernel/osrelease', '6.1.0-18-amd64\n');
    put('proc/sys/kernel/version', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1\n');
    put('proc/config.gz', gzipSync('CONFIG_HZ=1000\nCONFIG_PREEMPT_VOLUNTARY=y\n# CONFIG_PREEMPT is not set\n'));
    put('proc/cmdline', 'root=/dev/sda1 preempt=none preempt=full quiet\n');
    put('proc/cpuinfo', 'processor\t: 0\nmodel name\t: A CPU @ 3 GHz\nflags\t\t: fpu hypervisor sse\n');
    put('proc/meminfo', 'MemTotal:       16384000 kB\nMemFree: 1 kB\n');
    put('proc/self/status', 'Name:\tnode\nCapEff:\t0000018000000001\n');
    put('sys/devices/system/cpu/online', '0-3,6\n');
    put('sys/devices/system/cpu/vulnerabilities/spectre_v2', 'Mitigation: Retpolines\n');
    put('sys/devices/system/cpu/vulnerabilities/meltdown', 'Not affected\n');
    put('sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', 'performance\n');
    put('sys/devices/system/clocksource/clocksource0/current_clocksource', 'kvm-clock\n');
    put('sys/devices/system/clocksource/clocksource0/available_clocksource', 'kvm-clock tsc\n');
    put('sys/class/dmi/id/sys_vendor', 'QEMU\n');
    put('sys/class/dmi/id/product_name', 'Standard PC (i440FX)\n');
    put('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
    put('sys/kernel/btf/vmlinux', '');
    put('etc/os-release', 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  });

  test('is read field by field', async () => {
    const e = await readEnvironment(root);
    expect(environmentSchema.parse(e)).toEqual(e);
    expect(e).toMatchObject({
      kernelRelease: '6.1.0-18-amd64',
      kernelVersion: '#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1',
      cpuModel: 'A CPU @ 3 GHz',
      cpusOnline: 5,
      memoryBytes: 16384000 * 1024,
      virtualisation: 'kvm (QEMU Standard PC (i440FX))',
      preemption: 'full (as booted)',
      hz: 1000,
      clocksource: 'kvm-clock',
      mitigations: { meltdown: 'Not affected', spectre_v2: 'Mitigation: Retpolines' },
      governor: 'performance',
      capabilities: ['chown', 'bpf', 'checkpoint_restore'],
      lockdown: 'integrity',
      btf: true,
      osRelease: 'Debian GNU/Linux 12 (bookworm)',
      nodeVersion: process.version,
    });
  });

  test('debugfs knows the preemption model better than the boot line', async () => {
    put('sys/kernel/debug/sched/preempt', 'none (voluntary) full \n');
    expect((await readEnvironment(root)).preemption).toBe('voluntary');
  });

  test('the fingerprint changes with the kernel, and not with debugfs being mounted', async () => {
    const before = await readEnvironment(root);
    put('sys/kernel/debug/sched/preempt', 'none voluntary (full) \n');
    expect(fingerprint(await readEnvironment(root))).toBe(fingerprint(before));
    put('sys/kernel/debug/sched/preempt', '(none) voluntary full \n');
    expect(fingerprint(await readEnvironment(root))).not.toBe(fingerprint(before));
    put('sys/kernel/debug/sched/preempt', 'none voluntary (full) \n');
    put('proc/sys/kernel/osrelease', '6.1.0-19-amd64\n');
    expect(fingerprint(await readEnvironment(root))).not.toBe(fingerprint(before));
  });
});

test('a machine that shows nothing is no error', async () => {
  const e = await readEnvironment(root);
  expect(environmentSchema.parse(e)).toEqual(e);
  expect(e).toMatchObject({
    kernelRelease: 'unknown',
    cpuModel: 'unknown',
    cpusOnline: 0,
    virtualisation: 'none',
    preemption: 'unknown',
    hz: null,
    clocksource: 'unknown',
    mitigations: {},
    governor: null,
    capabilities: [],
    lockdown: null,
    btf: false,
    container: null,
    osRelease: 'unknown',
  });
});

test.each([
  ['#1 SMP PREEMPT_RT', '', 'rt'],
  ['#1 SMP PREEMPT', '', 'full'],
  ['#1 SMP', 'CONFIG_PREEMPT_NONE=y', 'none'],
  ['#1 SMP PREEMPT_DYNAMIC', 'CONFIG_PREEMPT_LAZY=y', 'lazy (as booted)'],
  ['#1 SMP PREEMPT_DYNAMIC', '', 'unknown'],
])('preemption of %s with %s is %s', async (version, config, expected) => {
  put('proc/sys/kernel/version', version);
  put('proc/config.gz', gzipSync(config));
  expect((await readEnvironment(root)).preemption).toBe(expected);
});

test('the configuration in /boot serves where /proc/config.gz is missing', async () => {
  put('proc/sys/kernel/osrelease', '5.15.0\n');
  put('boot/config-5.15.0', 'CONFIG_HZ=300\n');
  expect((await readEnvironment(root)).hz).toBe(300);
});

describe('containers', () => {
  const inodes = { ipc: 4026531839, uts: 4026531838, pid: 4026531836, cgroup: 4026531835 };

  test('an image’s mark file says nothing where all namespaces are the machine’s own', async () => {
    for (const [name, inode] of Object.entries(inodes)) putNamespace(name, inode);
    put('.dockerenv', '');
    expect((await readEnvironment(root)).container).toBeNull();
  });

  test('a docker container with the host’s pids is still one', async () => {
    for (const [name, inode] of Object.entries({ ...inodes, uts: 4026532201 })) putNamespace(name, inode);
    put('.dockerenv', '');
    expect((await readEnvironment(root)).container).toBe('docker');
  });

  test('a bare pid namespace has no name but is reported', async () => {
    for (const [name, inode] of Object.entries({ ...inodes, pid: 4026532202 })) putNamespace(name, inode);
    expect((await readEnvironment(root)).container).toBe('unnamed (own pid namespace)');
  });

  test('kubernetes shows in the control group', async () => {
    for (const [name, inode] of Object.entries({ ...inodes, pid: 4026532202 })) putNamespace(name, inode);
    put('proc/1/cgroup', '0::/kubepods/besteffort/pod1\n');
    expect((await readEnvironment(root)).container).toBe('kubepods');
  });
});

test('capabilities by bit, unknown ones by number', () => {
  expect(decodeCapabilities('0000000000000000')).toEqual([]);
  expect(decodeCapabilities('0000000000200001')).toEqual(['chown', 'sys_admin']);
  expect(decodeCapabilities('0000020000000000')).toEqual(['cap_41']);
});

test('CPU lists', () => {
  expect(parseCpuList('0-3,6\n')).toEqual([0, 1, 2, 3, 6]);
  expect(parseCpuList('')).toEqual([]);
});

test('steal is its share of all ticks, guest time not counted twice', () => {
  const before = readCpuTicks('cpu  100 0 50 800 10 0 5 35 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n');
  expect(before).toEqual({ total: 1000, steal: 35 });
  expect(stealFraction(before, { total: 1200, steal: 45 })).toBe(0.05);
  expect(stealFraction(before, before)).toBe(0);
});
