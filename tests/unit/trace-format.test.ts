import { describe, expect, test } from 'vitest';
import type { Counter } from '../../harness/backend.ts';
import {
  ARCH,
  EventBatch,
  type EventRecord,
  FLAG,
  KIND,
  type PathString,
  RECORD_BYTES,
  RECORD_OFFSETS,
} from '../../harness/event.ts';
import { NATIVE_ARCH, syscallNumber } from '../../harness/syscalls/index.ts';
import { formatJson, formatRecord } from '../../harness/trace/format.ts';
import { lostCalls, renderLost } from '../../harness/trace/loss.ts';
import { compareWithStrace, parseStraceSummary, unexplained } from '../../harness/trace/strace.ts';
import { renderSummary } from '../../harness/trace/summary.ts';
import { TallyCounter, tally, tallyCounts } from '../../harness/trace/tally.ts';

function call(name: string, args: readonly bigint[], ret: bigint | null, rest: Partial<EventRecord> = {}): EventRecord {
  const arch = rest.arch ?? NATIVE_ARCH;
  return {
    tsNs: 12_345_678_901_234n,
    tid: 42,
    tgid: 40,
    nr: syscallNumber(name, arch),
    arch,
    cpu: 1,
    kind: 'call',
    args: Array.from({ length: 6 }, (_, i) => args[i] ?? 0n),
    ret,
    noReturn: false,
    entryArgs: false,
    enter: false,
    paths: [],
    ...rest,
  };
}

const AT_FDCWD = 0xffffff9cn;
const plain = { timestamps: false, returns: true };
const line = (record: EventRecord): string => formatRecord(record, plain);

const path = (arg: number, text: string, status: PathString['status'] = 'whole'): PathString => ({
  arg,
  status,
  bytes: Buffer.from(text, 'latin1'),
});
const opened = (...paths: PathString[]): EventRecord => call('openat', [AT_FDCWD, 0x1000n, 0n], 3n, { paths });

describe('strings of path arguments', () => {
  test.each([
    ['stands for its pointer', path(1, '/etc/passwd'), '"/etc/passwd"'],
    ['may be empty', path(1, ''), '""'],
    ['is escaped byte by byte', path(1, 'a"b\\c\n\t\x01\xc3\xa9'), '"a\\"b\\\\c\\n\\t\\001\\303\\251"'],
    ['says that the rest is missing', path(1, '/long', 'cut'), '"/long"...'],
    ['is the pointer where it could not be read', path(1, '', 'fault'), '0x1000'],
    ['belongs to its argument', path(0, '/elsewhere'), '0x1000'],
  ])('%s', (_, string, shown) => {
    const dir = string.arg === 0 ? '"/elsewhere"' : 'AT_FDCWD';
    expect(line(opened(string))).toBe(`[42] openat(${dir}, ${shown}, O_RDONLY) = 3`);
  });

  test('a call may have two', () => {
    const record = call('rename', [0x1000n, 0x2000n], 0n, { paths: [path(0, 'a'), path(1, 'b')] });
    expect(line(record)).toBe('[42] rename("a", "b") = 0');
  });

  test('as JSON beside the registers: text, hex where it is no UTF-8, cut or failed', () => {
    expect(JSON.parse(formatJson(opened()))).not.toHaveProperty('paths');
    const record = opened(path(1, '\xc3\xa9"'), path(2, '\xff'), path(3, 'x', 'cut'), path(4, '', 'fault'));
    expect(JSON.parse(formatJson(record)).paths).toEqual([
      { arg: 1, text: 'é"' },
      { arg: 2, hex: 'ff' },
      { arg: 3, text: 'x', cut: true },
      { arg: 4, failed: true },
    ]);
  });

  test('are found in the arena by the place that the record names', () => {
    const slab = new ArrayBuffer(2 * RECORD_BYTES);
    const aux = new DataView(slab, RECORD_BYTES + RECORD_OFFSETS.aux);
    const arena = Buffer.from([9, 9, 1, 1, 2, 0, 0x61, 0x62, 3, 3, 0, 0, 9]);
    aux.setUint32(0, 10, true);
    aux.setUint32(4, 2, true);
    const batch = new EventBatch(slab, 0, 2, 0n, arena);
    expect(batch.paths(0)).toEqual([]);
    expect(batch.at(1).paths).toEqual([
      { arg: 1, status: 'whole', bytes: new Uint8Array([0x61, 0x62]) },
      { arg: 3, status: 'fault', bytes: new Uint8Array() },
    ]);
    expect(new EventBatch(slab, 0, 2, 0n).paths(1)).toEqual([]);
    arena[4] = 200;
    expect(() => batch.paths(1)).toThrow(RangeError);
  });
});

describe('lines', () => {
  test.each([
    [call('getppid', [1n, 2n, 3n, 4n], 7n), '[42] getppid() = 7'],
    [call('read', [3n, 0x7ffc0000n, 4096n, 99n], 4096n), '[42] read(3, 0x7ffc0000, 4096) = 4096'],
    [call('close', [0xffffffffn], -9n), '[42] close(-1) = -1 EBADF (Bad file descriptor)'],
    [
      call('openat', [AT_FDCWD, 0x1000n, 0n, 0xdeadn], -2n),
      '[42] openat(AT_FDCWD, 0x1000, O_RDONLY) = -1 ENOENT (No such file or directory)',
    ],
    [
      call('openat', [AT_FDCWD, 0x1000n, 0o2001101n, 0o644n], 3n),
      '[42] openat(AT_FDCWD, 0x1000, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 3',
    ],
    [
      call('lseek', [0xffffffffn, 1n << 63n, 0n], -9n),
      '[42] lseek(-1, -9223372036854775808, 0) = -1 EBADF (Bad file descriptor)',
    ],
    [call('brk', [0n], 0x5555n), '[42] brk(0) = 0x5555'],
    [call('exit_group', [3n], null, { noReturn: true, enter: true }), '[42] exit_group(3) = ?'],
    [call('read', [0n, 0n, 1n], -512n), '[42] read(0, NULL, 1) = ? ERESTARTSYS (to be restarted)'],
    [call('getppid', [], null, { enter: true }), '[42] getppid()'],
    [call('clone', [], 0n, { kind: 'birth' }), '[42] +++ born by clone +++'],
    [
      call('getppid', [], -1n, { kind: 'refused' }),
      '[42] getppid() = -1 EPERM (Operation not permitted) [refused by seccomp]',
    ],
    [call('getppid', [], null, { kind: 'refused', noReturn: true }), '[42] getppid() = ? [killed before it entered]'],
    [call('getpid', [], 42n, { arch: ARCH.i386 }), '[42] [i386] getpid() = 42'],
    [
      call('mmap2', [0xffffffff00001000n, 4096n, 3n, 0x22n, 0xffffffffn, 0n], 0x1000n, { arch: ARCH.i386 }),
      '[42] [i386] mmap2(0x1000, 4096, 0x3, 0x22, -1, 0) = 0x1000',
    ],
  ])('%#', (record, expected) => {
    expect(line(record)).toBe(expected);
  });

  test('a number without a name shows all that was recorded', () => {
    expect(line({ ...call('read', [], 5n), nr: 499, args: [1n, 0n, 255n, 4n, null, null] })).toBe(
      '[42] syscall_0x1f3(0x1, 0, 0xff, 0x4) = 5',
    );
  });

  test('a declared argument that was not recorded is a question mark', () => {
    expect(line({ ...call('mmap', [], 0n), args: [0n, 4096n, 1n, 2n, null, null] })).toBe(
      '[42] mmap(0, 4096, 0x1, 0x2, ?, ?) = 0x0',
    );
  });

  test('with the time, without the return', () => {
    expect(formatRecord(call('getpid', [], 40n), { timestamps: true, returns: false })).toBe(
      '[42] 12345.678901 getpid()',
    );
  });

  test('open flags have other bits on arm', () => {
    const flags = (arch: number): string => line(call('openat', [AT_FDCWD, 1n, 0o40000n], 3n, { arch }));
    expect(flags(ARCH.aarch64)).toContain('O_RDONLY|O_DIRECTORY');
    expect(flags(ARCH.x86_64)).toContain('O_RDONLY|O_DIRECT)');
  });

  test('as JSON, exact beyond 2^53', () => {
    const text = formatJson(call('openat', [AT_FDCWD, 0xffffffffffffffffn], -2n, { tsNs: 9_007_199_254_740_993n }));
    expect(text).toContain('"tsNs":9007199254740993,');
    expect(JSON.parse(text)).toMatchObject({
      type: 'call',
      tid: 42,
      tgid: 40,
      cpu: 1,
      nr: syscallNumber('openat'),
      name: 'openat',
      args: ['0xffffff9c', '0xffffffffffffffff', '0x0', '0x0', '0x0', '0x0'],
      ret: -2,
      errno: 'ENOENT',
    });
    expect(JSON.parse(formatJson(call('getppid', [], null, { enter: true, cpu: null })))).toMatchObject({
      cpu: null,
      ret: null,
      enter: true,
    });
  });
});

const records: EventRecord[] = [
  call('read', [3n], 10n),
  call('read', [3n], -512n),
  call('read', [3n], -11n),
  call('read', [3n], 1n),
  call('openat', [], -2n),
  call('openat', [], 3n),
  call('openat', [], 0xfffffffffn),
  call('clone', [], 0n, { kind: 'birth' }),
  call('getppid', [], -1n, { kind: 'refused' }),
  call('getppid', [], null, { kind: 'refused', noReturn: true }),
  call('getppid', [], 1n),
  call('getpid', [], 1n, { arch: ARCH.i386 }),
  call('restart_syscall', [], -4n),
  call('exit_group', [0n], null, { noReturn: true, enter: true }),
];

/** The records as a slab holds them. */
function batchOf(list: readonly EventRecord[]): EventBatch {
  const buffer = new ArrayBuffer(list.length * RECORD_BYTES);
  const view = new DataView(buffer);
  for (const [i, r] of list.entries()) {
    const at = i * RECORD_BYTES;
    view.setBigUint64(at + RECORD_OFFSETS.ts_ns, r.tsNs, true);
    view.setUint32(at + RECORD_OFFSETS.tid, r.tid, true);
    view.setUint32(at + RECORD_OFFSETS.tgid, r.tgid, true);
    view.setInt32(at + RECORD_OFFSETS.nr, r.nr, true);
    view.setUint32(at + RECORD_OFFSETS.arch, r.arch, true);
    view.setUint16(at + RECORD_OFFSETS.cpu, r.cpu ?? 0xffff, true);
    view.setUint8(at + RECORD_OFFSETS.kind, KIND[r.kind]);
    view.setUint8(at + RECORD_OFFSETS.args_valid, 0x3f);
    const flags = (r.ret === null ? 0 : FLAG.ret) | (r.noReturn ? FLAG.noReturn : 0) | (r.enter ? FLAG.enter : 0);
    view.setUint32(at + RECORD_OFFSETS.flags, flags, true);
    view.setBigInt64(at + RECORD_OFFSETS.ret, r.ret ?? 0n, true);
    for (let a = 0; a < 6; a++) view.setBigUint64(at + RECORD_OFFSETS.args + 8 * a, r.args[a] ?? 0n, true);
  }
  return new EventBatch(buffer, 0, list.length, 0n);
}

describe('counting', () => {
  test('keeps errors, restarts, births, refusals and restart_syscall apart', () => {
    const counted = tally(records);
    expect(
      counted.entries.map((e) => [e.name, e.calls, e.errors, e.restarts, e.noReturn, e.refused, e.killed]),
    ).toEqual([
      ['read', 4, 1, 1, 0, 0, 0],
      ['openat', 3, 1, 0, 0, 0, 0],
      ['exit_group', 1, 0, 0, 1, 0, 0],
      ['getpid', 1, 0, 0, 0, 0, 0],
      ['getppid', 1, 0, 0, 0, 1, 1],
    ]);
    expect(counted).toMatchObject({ calls: 10, births: 1, refused: 1, killed: 1, restartSyscalls: 1 });
    expect(counted.entries[3]?.arch).toBe(ARCH.i386);
  });

  test('is the same from a batch', () => {
    const counter = new TallyCounter();
    counter.addBatch(batchOf(records));
    expect(counter.result()).toEqual(tally(records));
  });

  test('does not know errors where no returns were delivered', () => {
    const entered = tally([call('getppid', [], null, { enter: true })]);
    expect(entered.entries[0]?.errors).toBeNull();
    expect(tallyCounts([{ nr: syscallNumber('read'), count: 5 }])).toMatchObject({
      calls: 5,
      entries: [{ name: 'read', calls: 5, errors: null, arch: NATIVE_ARCH }],
    });
  });

  test('as a table', () => {
    expect(renderSummary(tally(records))).toBe(
      [
        '    calls    errors  restarts syscall',
        '--------- --------- --------- ----------------',
        '        4         1         1 read',
        '        3         1           openat',
        '        1                     exit_group',
        '        1                     [i386] getpid',
        '        1                     getppid',
        '--------- --------- --------- ----------------',
        '       10         2         1 total',
        'restart_syscall: 1',
        'births: 1',
        'refused by seccomp: 1 (getppid 1)',
        'killed before they entered: 1 (getppid 1)',
        '',
      ].join('\n'),
    );
    expect(renderSummary(tallyCounts([{ nr: syscallNumber('read'), count: 5 }]))).toContain(
      '        5         -           read\n',
    );
  });
});

describe('loss', () => {
  const counter = (place: Counter['place'], unit: Counter['unit'], count: number): Counter => ({
    name: 'c',
    place,
    unit,
    count,
  });

  test.each([
    [[], { min: 1, max: 1 }, 0, 'lost 0 calls'],
    [[counter('kernel', 'call', 1)], { min: 1, max: 1 }, 0, 'lost 1 call (c: 1 call)'],
    [
      [counter('kernel', 'record', 12), counter('health', 'record', 9)],
      { min: 1, max: 1 },
      0,
      'lost 12 calls (c: 12 records)',
    ],
    [[counter('kernel', 'record', 5)], { min: 1, max: 2 }, 0, 'lost between 3 and 5 calls (c: 5 records)'],
    [[counter('kernel', 'record', 5)], { min: 0, max: 3 }, 0, 'lost at least 2 calls (c: 5 records)'],
    [[counter('kernel', 'bytes', 640)], { min: 1, max: 1 }, 0, 'lost at least 0 calls (c: 640 bytes)'],
    [[counter('kernel', 'record', 4)], { min: 2, max: 2 }, 3, 'lost 5 calls (c: 4 records, bridge_lost: 3 records)'],
  ])('%#', (counters, relation, bridge, expected) => {
    expect(renderLost(lostCalls(counters, relation, bridge))).toBe(expected);
  });
});

describe('strace’s summary', () => {
  const summary = [
    'syscall              calls    errors',
    '---------------- --------- ---------',
    'read                     4         2',
    'openat                   3         1',
    'getppid                  2         1',
    'restart_syscall          3         1',
    'brk                      2          ',
    '---------------- --------- ---------',
    'total                   14         5',
    'System call usage summary for 32 bit mode:',
    'syscall              calls    errors',
    '---------------- --------- ---------',
    'getpid                   1          ',
    '---------------- --------- ---------',
    'total                    1          ',
    '',
  ].join('\n');

  test('is read with both tables', () => {
    const parsed = parseStraceSummary(summary);
    expect(parsed).toMatchObject({ calls: 12, restartSyscalls: 3 });
    expect(parsed.entries.map((e) => [e.arch, e.name, e.calls, e.errors])).toEqual([
      [NATIVE_ARCH, 'read', 4, 2],
      [NATIVE_ARCH, 'openat', 3, 1],
      [NATIVE_ARCH, 'getppid', 2, 1],
      [NATIVE_ARCH, 'brk', 2, 0],
      [ARCH.i386, 'getpid', 1, 0],
    ]);
    expect(() => parseStraceSummary('strace: Can’t stat')).toThrow('no summary');
  });

  test('is read in strace’s own order of columns', () => {
    const usual = [
      '% time     seconds  usecs/call     calls    errors syscall',
      '------ ----------- ----------- --------- --------- ----------------',
      ' 37.13    0.000088          11         8           mmap',
      ' 12.24    0.000029          29         1         1 access',
      '------ ----------- ----------- --------- --------- ----------------',
      '100.00    0.000237           9        24         1 total',
    ].join('\n');
    expect(parseStraceSummary(usual).entries.map((e) => [e.name, e.calls, e.errors])).toEqual([
      ['mmap', 8, 0],
      ['access', 1, 1],
    ]);
  });

  test('differs from ours by class, and what is left over is found', () => {
    const ours = [...records, { ...call('read', [], 0n), nr: 469 }];
    const differences = compareWithStrace(tally(ours), parseStraceSummary(summary));
    expect(differences.map((d) => [d.name, d.what, d.ours, d.strace, d.parts])).toEqual([
      ['read', 'errors', 1, 2, [{ class: 'restart', count: -1 }]],
      ['exit_group', 'calls', 1, 0, [{ class: 'no-return', count: 1 }]],
      ['file_setattr', 'calls', 1, 0, [{ class: 'unknown-number', count: 1 }]],
      ['getppid', 'calls', 1, 2, [{ class: 'refused', count: -1 }]],
      ['getppid', 'errors', 0, 1, [{ class: 'refused', count: -1 }]],
      ['brk', 'calls', 0, 2, [{ class: 'unexplained', count: -2 }]],
      ['restart_syscall', 'calls', 1, 3, [{ class: 'restart-syscall', count: -2 }]],
    ]);
    expect(unexplained(differences).map((d) => d.name)).toEqual(['brk']);
  });

  test('a call too many is not explained away by others', () => {
    const differences = compareWithStrace(tally([...records, call('openat', [], 3n)]), parseStraceSummary(summary));
    expect(differences.find((d) => d.name === 'openat')?.parts).toEqual([{ class: 'unexplained', count: 1 }]);
  });
});
