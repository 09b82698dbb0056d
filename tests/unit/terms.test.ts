/** The terms of a cell before anything runs: buffers sized in calls, wake-up policies, what an idle policy needs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backends } from '../../backends/index.ts';
import { type BackendDefinition, type BufferTerms, defineBackend } from '../../harness/backend.ts';
import { readQuota } from '../../harness/doctor/cpu-facts.ts';
import { TracebenchError } from '../../harness/errors.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { bytesForCalls, reachableBytes } from '../../harness/plan/buffer.ts';
import { keepsOwnWakeup, parseWakeup } from '../../harness/plan/wakeup.ts';
import { wakeupText } from '../../harness/result-words.ts';
import { fakeBackends } from '../fixtures/plan-context.ts';

describe('a buffer sized in calls', () => {
  /** What a mechanism makes of a budget: it rounds down, as the sources do, with one unit as the least. */
  function callsGranted(
    { bytesPerCall, perCpu, granularity }: BufferTerms,
    budget: number,
    cpus: number,
    page: number,
  ) {
    const share = perCpu ? Math.floor(budget / cpus) : budget;
    let size = share;
    if (granularity === 'page') size = Math.max(page, share - (share % page));
    if (granularity === 'power-of-two-pages') for (size = page; size * 2 <= share; ) size *= 2;
    return Math.max(granularity === 'call' ? 1 : 0, Math.floor(size / bytesPerCall));
  }

  const terms = fc.record({
    bytesPerCall: fc.integer({ min: 1, max: 9000 }),
    perCpu: fc.boolean(),
    granularity: fc.constantFrom('call', 'page', 'power-of-two-pages'),
  });
  const machines = fc.record({
    cpus: fc.constant([0]),
    bufferCpus: fc.integer({ min: 1, max: 512 }),
    memoryBytes: fc.constant(2 ** 40),
    pageBytes: fc.constantFrom(4096, 16_384, 65_536),
  });

  it('holds at least the calls asked for, whatever the mechanism rounds', () => {
    fc.assert(
      fc.property(terms, machines, fc.integer({ min: 1, max: 1e9 }), (buffer, machine, calls) => {
        const budget = bytesForCalls(buffer, calls, machine);
        expect(callsGranted(buffer, budget, machine.bufferCpus, machine.pageBytes)).toBeGreaterThanOrEqual(calls);
        expect(reachableBytes(buffer, budget, machine)).toBeGreaterThanOrEqual(calls * buffer.bytesPerCall);
      }),
      { numRuns: 2000 },
    );
  });

  it('also where fewer CPUs are online than the highest number says', () => {
    fc.assert(
      fc.property(terms, machines, fc.integer({ min: 1, max: 1e6 }), fc.nat(511), (buffer, machine, calls, missing) => {
        const online = Math.max(1, machine.bufferCpus - missing);
        const budget = bytesForCalls(buffer, calls, machine);
        expect(callsGranted(buffer, budget, online, machine.pageBytes)).toBeGreaterThanOrEqual(calls);
      }),
    );
  });

  it('is no larger than it must be: a smaller size of the mechanism would not hold them', () => {
    const page = { cpus: [0], bufferCpus: 4, memoryBytes: 2 ** 40, pageBytes: 4096 };
    const rings = { bytesPerCall: 112, perCpu: true, granularity: 'power-of-two-pages' } as const;
    expect(bytesForCalls(rings, 10_000, page)).toBe(4 * 2 ** 21);
    expect(bytesForCalls({ ...rings, perCpu: false, bytesPerCall: 104 }, 10_000, page)).toBe(2 ** 20);
    expect(bytesForCalls({ bytesPerCall: 96, perCpu: true, granularity: 'call' }, 10_000, page)).toBe(4 * 960_000);
    expect(bytesForCalls({ bytesPerCall: 96, perCpu: false, granularity: 'page' }, 43, page)).toBe(2 * 4096);
    expect(bytesForCalls(rings, 1, page)).toBe(4 * 4096);
  });

  it('is declared by every variant that delivers records without stopping the workload, and by no other', () => {
    for (const { name, variants } of backends) {
      for (const { name: variant, buffer, capabilities } of variants) {
        const buffered = capabilities.delivers === 'records' && capabilities.regime === 'drops';
        if (buffered) expect(buffer, `${name}/${variant}`).not.toBeNull();
        if (capabilities.delivers !== 'records') expect(buffer, `${name}/${variant}`).toBeNull();
      }
    }
    const broken = (buffer: BufferTerms, variant: number): BackendDefinition => {
      const ring = fakeBackends.find(({ name }) => name === 'ring') as BackendDefinition;
      const variants = ring.variants.map((v, i) => (i === variant ? { ...v, buffer } : v));
      return { ...ring, variants };
    };
    const sound = { bytesPerCall: 96, perCpu: true, granularity: 'call' } as const;
    expect(() => defineBackend(broken(sound, 0))).not.toThrow();
    expect(() => defineBackend(broken({ ...sound, bytesPerCall: 0 }, 0))).toThrow(/above 0/);
    expect(() => defineBackend(broken({ ...sound, bytesPerCall: 9.5 }, 0))).toThrow(/whole number/);
    expect(() => defineBackend(broken(sound, 1))).toThrow(/a buffer belongs to variants that deliver records/);
  });

  it('counts the CPUs that buffers are made for, which may be more than we may use', () => {
    const { bufferCpus, cpus } = readMachine();
    expect(bufferCpus).toBeGreaterThan(Math.max(...cpus));
  });
});

describe('a wake-up policy', () => {
  it.each(['timer:200', 'timer:1', 'timer:1000000', 'adaptive', 'watermark:96', 'watermark:4096'])(
    '%s is read and said back alike',
    (text) => {
      expect(wakeupText(parseWakeup(text, 'w'))).toBe(text);
    },
  );

  it.each([
    ...[
      'timer:0',
      'timer:-5',
      'timer:1.5',
      'timer:1e3',
      'timer:',
      'timer',
      'timer:1000001',
      'timer:200:3',
      'timer:200µs',
    ],
    ...['watermark:7', 'watermark:95', 'watermark', 'watermark:4294967296', 'watermark:4KiB'],
    ...['adaptive:', 'adaptive:1', 'Adaptive', 'sync', 'nonsense', ''],
  ])('%j is none', (text) => {
    let refused: unknown = null;
    try {
      parseWakeup(text, '--wakeup');
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TracebenchError);
    expect(refused).toMatchObject({
      exitCode: 2,
      message: `--wakeup: '${text}' is no wake-up policy`,
      mend: expect.stringMatching(/timer:N .*adaptive, or watermark:N .*at least 96/),
    });
  });

  it('means something to those whom somebody wakes, and to nobody else', () => {
    const of = (name: string, i: number) => {
      const variant = fakeBackends.find((backend) => backend.name === name)?.variants[i];
      if (!variant) throw new Error('the fixture changed');
      return variant;
    };
    expect(keepsOwnWakeup(of('ring', 0))).toBeNull();
    expect(keepsOwnWakeup(of('stop', 0))).toMatch(/sync/);
    expect(keepsOwnWakeup(of('ring', 1))).toMatch(/no records/);
  });
});

describe('a CPU quota, which spinners would use up', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tb-quota-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const V2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n';
  const V1 = (options: string) => `cgroup /sys/fs/cgroup/${options} cgroup rw,${options} 0 0\n`;
  const given = (files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { value } = readQuota(root);
    return value === 'none' ? null : value;
  };

  it.each([
    ['none is known', {}, null],
    ['the root has no file', { 'proc/self/mounts': V2, 'proc/self/cgroup': '0::/\n' }, null],
    [
      'its own, unbounded',
      { 'proc/self/mounts': V2, 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/b/cpu.max': 'max 100000\n' },
      null,
    ],
    [
      'its own',
      { 'proc/self/mounts': V2, 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' },
      1.5,
    ],
    [
      'one above',
      {
        'proc/self/mounts': V2,
        'proc/self/cgroup': '0::/a/b\n',
        'sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
        'sys/fs/cgroup/a/cpu.max': '50000 100000\n',
      },
      0.5,
    ],
    [
      'of a container that sees its cgroup as the root',
      { 'proc/self/mounts': V2, 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n' },
      2,
    ],
    [
      'version 1',
      {
        'proc/self/mounts': V1('cpu,cpuacct'),
        'proc/self/cgroup': '4:memory:/m\n2:cpu,cpuacct:/c\n',
        'sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us': '100000\n',
        'sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us': '20000\n',
      },
      0.2,
    ],
    [
      'version 1, unbounded; memory has none to give',
      {
        'proc/self/mounts': V1('memory') + V1('cpu'),
        'proc/self/cgroup': '4:memory:/m\n2:cpu:/c\n',
        'sys/fs/cgroup/cpu/c/cpu.cfs_period_us': '100000\n',
        'sys/fs/cgroup/cpu/c/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/memory/m/cpu.cfs_quota_us': '7\n',
      },
      null,
    ],
  ] as [string, Record<string, string>, number | null][])('%s', (_name, files, found) => {
    expect(given(files)).toBe(found);
  });
});
