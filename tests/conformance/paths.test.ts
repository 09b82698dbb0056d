/**
 * Detail `paths`, for every registered variant that delivers records: what the case `paths` opens is read exactly, or the
 * variant declares that it cannot, and then its source refuses.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import type { EventRecord, PathString } from '../../harness/event.ts';
import { NATIVE_ARCH, wakeupCode } from '../../harness/session/session.ts';
import { syscallNumber } from '../../harness/syscalls/index.ts';
import { native } from '../../native/index.ts';
import { CALLS_PROGRAM, type Collected, runCase, subjects } from './collect.ts';

const usable = (await subjects()).filter((s) => s.unavailable === null);
const reading = usable.filter((s) => 'read' in s.capabilities.paths);
const others = usable.filter((s) => 'none' in s.capabilities.paths);

const { EFAULT, ENOENT } = constants.errno;
const LONGEST_WHOLE = 255;
const NUMBERED = 0x7a000000n;

/** As text where each character is a byte. */
const shown = (record: EventRecord | undefined): unknown[] | undefined =>
  record?.paths.map(({ arg, status, bytes }) =>
    status === 'fault' ? [arg, status] : [arg, status, Buffer.from(bytes).toString('latin1')],
  );
const longPath = (length: number): string => `/tracebench/${'x'.repeat(length - 12)}`;
const called = (records: readonly EventRecord[], name: string): EventRecord[] =>
  records.filter((r) => r.kind === 'call' && r.arch === NATIVE_ARCH && r.nr === syscallNumber(name));
const numbered = (records: readonly EventRecord[]): EventRecord[] =>
  called(records, 'openat').filter((r) => (r.args[3] ?? 0n) >> 20n === NUMBERED >> 20n);
const counter = ({ report }: Collected, name: string): number | undefined =>
  report.run.counters.find((c) => c.name === name)?.count;
const all = (records: readonly EventRecord[]): PathString[] => records.flatMap((r) => r.paths);

describe.each(reading)('$id', ({ id, capabilities: can }) => {
  test('each string exactly, what cannot be read as that, what is too long cut', async () => {
    const run = await runCase(id, 'paths', 1, { detail: 'paths' });
    const opened = numbered(run.records);
    /* The kernel makes no name of an empty one. */
    const byKernel = 'read' in can.paths && can.paths.read === 'kernel';
    expect(opened.map((r) => Number((r.args[3] as bigint) - NUMBERED))).toEqual(
      Array.from({ length: 13 }, (_, i) => i),
    );
    expect(opened.map(shown)).toEqual([
      [[1, 'whole', '/tracebench/none']],
      byKernel ? [[1, 'fault']] : [[1, 'whole', '']],
      [[1, 'whole', longPath(LONGEST_WHOLE)]],
      [[1, 'cut', longPath(LONGEST_WHOLE)]],
      [[1, 'cut', longPath(LONGEST_WHOLE)]],
      [[1, 'fault']],
      [],
      [[1, 'whole', '/tracebench/end']],
      [[1, 'fault']],
      [[1, 'fault']],
      [[1, 'whole', '/tracebench/far']],
      [[1, 'whole', '/tracebench/\n"\xff']],
      [[1, 'whole', 'nothing-here/relative']],
    ]);
    if (can.returnValue) {
      const ends = [
        ENOENT,
        ENOENT,
        ENOENT,
        ENOENT,
        ENOENT,
        EFAULT,
        EFAULT,
        ENOENT,
        EFAULT,
        EFAULT,
        ENOENT,
        ENOENT,
        ENOENT,
      ];
      expect(opened.map((r) => Number(r.ret))).toEqual(ends.map((errno) => -errno));
    }
    const none = (...args: number[]): unknown[] => args.map((arg) => [arg, 'fault']);
    const two = (a: number, text: string, b: number, other: string): unknown[] => [
      [a, 'whole', text],
      [b, 'whole', other],
    ];
    /* Which name was which argument's is told by what became of them: of a call that failed it is not. */
    expect(called(run.records, 'renameat').map(shown)).toEqual([
      byKernel ? none(1, 3) : two(1, '/tracebench/from', 3, '/tracebench/to'),
      byKernel ? none(1, 3) : [[1, 'whole', '/tracebench/from'], ...none(3)],
      two(1, 'one', 3, 'three'),
      two(1, 'three', 3, 'four'),
    ]);
    expect(called(run.records, 'symlinkat').map(shown)).toEqual([
      byKernel ? none(0, 2) : two(0, 'any text', 2, '/tracebench/link'),
      two(0, 'any text', 2, 'one'),
      two(0, 'other text', 2, 'four'),
    ]);
    expect(called(run.records, 'linkat').map(shown)).toEqual([two(1, 'one', 3, 'two')]);
    const of = (status: string): number => all(run.records).filter((p) => p.status === status).length;
    expect(counter(run, 'paths_read')).toBe(of('whole'));
    expect(counter(run, 'paths_cut')).toBe(of('cut'));
    expect(counter(run, 'paths_failed')).toBe(of('fault'));
    expect(counter(run, 'paths_left_out')).toBe(0);
  });

  test('an execve that succeeded has the string of the program it left', async () => {
    const { records } = await runCase(id, 'exec', 1, { detail: 'paths' });
    expect(called(records, 'execve').map(shown)).toEqual([
      [[0, 'whole', CALLS_PROGRAM]],
      [[0, 'whole', '/nonexistent/program']],
      [[0, 'whole', '/proc/self/exe']],
    ]);
    const byThread = await runCase(id, 'exec-thread', 1, { detail: 'paths' });
    expect(called(byThread.records, 'execve').map(shown)).toEqual([
      [[0, 'whole', CALLS_PROGRAM]],
      [[0, 'whole', '/proc/self/exe']],
    ]);
  });

  test('more strings than the arena holds: each is its own, or left out and counted', async () => {
    const n = 3000;
    const run = await runCase(id, 'many-paths', n, { detail: 'paths', filter: [syscallNumber('openat')] });
    const opened = numbered(run.records);
    expect(opened.map((r) => Number((r.args[3] as bigint) - NUMBERED))).toEqual(Array.from({ length: n }, (_, i) => i));
    const leftOut = opened.filter((r) => r.paths.length === 0).length;
    for (const [i, record] of opened.entries()) {
      if (record.paths.length === 0) continue;
      const name = `/tracebench/${String(i).padStart(8, '0')}/`;
      expect(shown(record)).toEqual([[1, 'whole', name.padEnd(LONGEST_WHOLE, 'x')]]);
    }
    expect(counter(run, 'paths_left_out')).toBe(leftOut);
    expect(counter(run, 'paths_read')).toBe(all(run.records).length);
  });

  test('without it there are no strings and no counters of them', async () => {
    const run = await runCase(id, 'paths', 1);
    expect(all(run.records)).toEqual([]);
    expect(counter(run, 'paths_read')).toBeUndefined();
  });
});

test.each(others)('$id: its source refuses, as declared', async ({ id }) => {
  const { backend, variant } = findVariant(id);
  const trace = { bufferBytes: 1 << 20, filter: null, wakeup: variant.wakeup, detail: 'paths' } as const;
  const reply = await native().probe({
    source: backend.source,
    variant: variant.name,
    bufferBytes: trace.bufferBytes,
    filter: null,
    ...wakeupCode(trace.wakeup),
    options: backend.sourceOptions?.(variant, trace) ?? {},
    paths: true,
  });
  expect(reply.answer).not.toBe('yes');
  expect(reply.errno).toBe(constants.errno.EOPNOTSUPP);
  await expect(runCase(id, 'paths', 1, { detail: 'paths' })).rejects.toThrow(/reads no strings/);
});
