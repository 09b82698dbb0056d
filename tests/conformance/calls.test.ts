/**
 * What one call is (docs/method.md), case by case, for every registered variant that delivers records. What a
 * capability promises is asserted by contents; what it denies is asserted absent.
 */
import { constants } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { ARCH, type EventRecord } from '../../harness/event.ts';
import { NATIVE_ARCH } from '../../harness/session/session.ts';
import { syscallNumber } from '../../harness/syscalls/index.ts';
import {
  CALLS_PROGRAM,
  type Collected,
  collect,
  runCase as collectCase,
  markOf,
  placementsOf,
  syscallSubjects,
} from './collect.ts';

const nr = (name: string): number => syscallNumber(name);
const recording = (await syscallSubjects()).filter((s) => s.capabilities.delivers === 'records');
const usable = recording.filter((s) => s.unavailable === null);

for (const s of recording.filter((r) => r.unavailable !== null)) {
  test.skip(`${s.id}: ${s.unavailable}`, () => {});
}

const called = (records: readonly EventRecord[], name: string): EventRecord[] =>
  records.filter((r) => r.kind === 'call' && r.arch === NATIVE_ARCH && r.nr === nr(name));
const births = (records: readonly EventRecord[]): EventRecord[] => records.filter((r) => r.kind === 'birth');
const marked = (records: readonly EventRecord[]): EventRecord[] =>
  records.filter((r) => r.kind === 'call' && markOf(r) !== null);
const returns = (records: readonly EventRecord[]): (number | null)[] =>
  records.map((r) => (r.ret === null ? null : Number(r.ret)));

const placed = usable.flatMap((s) => placementsOf(s).map((placement) => ({ ...s, placement })));

describe.each(placed)('$id, placement $placement', ({ id, capabilities: can, placement }) => {
  /** Runs of a case in which tests look for different things are made once. */
  const runs = new Map<string, Promise<Collected>>();
  afterAll(() => runs.clear());
  const runCase = (name: string, n: number, filter: readonly number[] | null = null): Promise<Collected> => {
    const key = `${name} ${n} ${filter}`;
    const run = runs.get(key) ?? collectCase(id, name, n, { placement, ...(filter && { filter }) });
    runs.set(key, run);
    return run;
  };

  test.each([23, 1009])('%i marked calls: arguments, return value, thread and order', async (n) => {
    const { records, end } = await runCase('marked', n);
    expect(end).toMatchObject({ exitCode: 0, signal: null });
    const calls = marked(records);
    expect(calls.map((r) => markOf(r)?.number)).toEqual(Array.from({ length: n }, (_, i) => i));
    for (const r of calls) {
      const word = r.args[0] as bigint;
      const words = Array.from({ length: 6 }, (_, i) => (i < can.args ? word + BigInt(i) : null));
      expect(r.args).toEqual(words);
      expect(r.nr).toBe(nr('getppid'));
      expect(r.noReturn).toBe(false);
      if (can.thread) expect(r.tid).toBe(r.tgid);
    }
    const parents = new Set(returns(calls));
    expect(parents.size).toBe(1);
    if (can.returnValue) expect([...parents][0]).toBeGreaterThan(1);
    else expect([...parents][0]).toBeNull();
    const times = calls.map((r) => r.tsNs);
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });

  test('begins with the execve that made it the target, and with nothing before', async () => {
    const { records } = await runCase('marked', 23);
    const first = records.find((r) => r.kind === 'call') as EventRecord;
    expect(first.nr).toBe(nr('execve'));
    if (can.returnValue) {
      expect(first.ret).toBe(0n);
      expect(first.entryArgs).toBe(true);
    }
    expect(first.args[0]).not.toBe(0n);
    expect(called(records, 'execve')).toHaveLength(1);
  });

  test('negative returns are the errno', async () => {
    const { records } = await runCase('errors', 13);
    const closes = called(records, 'close').filter((r) => r.args[0] === 0xffffffffn || r.args[0] === 2n ** 64n - 1n);
    expect(closes.map((r) => r.args[1])).toEqual(Array.from({ length: 13 }, (_, i) => BigInt(0xe0 + i)));
    const expected = can.returnValue ? -constants.errno.EBADF : null;
    expect(returns(closes)).toEqual(new Array(13).fill(expected));
  });

  test.each([
    ['fork', 'clone', 11],
    ['vfork', 'vfork', 5],
    ['clone3', 'clone3', 7],
  ])('%s: the zero return in the child is a birth, not a call', async (name, call, n) => {
    const { records } = await runCase(name, n);
    const made = called(records, call);
    expect(made).toHaveLength(n);
    if (can.seesBirths) {
      expect(births(records)).toHaveLength(n);
      if (can.returnValue) {
        expect(
          births(records)
            .map((r) => r.tid)
            .sort(),
        ).toEqual(returns(made).sort());
      }
    } else {
      expect(births(records)).toHaveLength(0);
    }
  });

  test('children, and children that outlive their parent, belong to the target', async () => {
    const forked = marked((await runCase('fork', 11)).records);
    const numbers = forked.map((r) => markOf(r)?.number as number);
    /* One call a process: only a global order says anything about them. */
    if (can.ordering !== 'global') numbers.sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 11 }, (_, i) => i));
    expect(new Set(forked.map((r) => r.tgid)).size).toBe(11);
    const orphan = marked((await runCase('daemon', 17)).records);
    expect(orphan.map((r) => markOf(r))).toEqual(Array.from({ length: 17 }, (_, i) => ({ thread: 2, number: i })));
  });

  test('exit and exit_group are calls without a return', async () => {
    const { records } = await runCase('fork', 11);
    const exits = called(records, 'exit_group');
    const expected = can.seesDyingCalls ? 12 : 0;
    expect(exits).toHaveLength(expected);
    for (const r of exits) expect(r).toMatchObject({ noReturn: true, ret: null });
    const threads = called((await runCase('threads', 503)).records, 'exit');
    expect(threads).toHaveLength(can.seesDyingCalls ? 8 : 0);
    for (const r of threads) expect(r).toMatchObject({ noReturn: true, ret: null });
  });

  test('threads: every call of each, in its order, by its own thread id', async () => {
    const { records } = await runCase('threads', 503);
    const calls = marked(records);
    expect(calls).toHaveLength(8 * 503);
    const tids = new Set<number>();
    for (let t = 1; t <= 8; t++) {
      const mine = calls.filter((r) => markOf(r)?.thread === t);
      expect(mine.map((r) => markOf(r)?.number)).toEqual(Array.from({ length: 503 }, (_, i) => i));
      expect(new Set(mine.map((r) => r.tid)).size).toBe(1);
      tids.add(mine[0]?.tid as number);
    }
    expect(new Set(calls.map((r) => r.tgid)).size).toBe(1);
    if (can.thread) expect(tids.size).toBe(8);
  });

  test('threads that die inside a call', async () => {
    const { records, end } = await runCase('dying', 3);
    expect(end.exitCode).toBe(7);
    const main = called(records, 'exit_group')[0]?.tid;
    const inThread = (r: EventRecord): boolean => (can.thread ? r.tid !== main && r.tid !== r.tgid : true);
    const reads = called(records, 'read').filter((r) => inThread(r) && r.args[2] === 1n);
    expect(reads).toHaveLength(can.seesDyingCalls ? 3 : 0);
    for (const r of reads) {
      const restarted = can.seesRestarts
        ? r.ret !== null && r.ret <= -512n && r.ret >= -516n
        : r.ret === BigInt(-constants.errno.EINTR);
      expect(restarted || r.ret === null).toBe(true);
    }
  });

  test('execve: number and arguments from the entry, failed ones with their errno', async () => {
    const { records } = await runCase('exec', 5);
    const execs = called(records, 'execve');
    expect(execs).toHaveLength(3);
    if (can.returnValue) expect(returns(execs)).toEqual([0, -constants.errno.ENOENT, 0]);
    expect(execs[1]?.args[2]).toBe(0n);
    expect(execs[2]?.args[1]).toBe(execs[1]?.args[1]);
    expect(marked(records)).toHaveLength(5);
  });

  test('execve by a thread that is not the leader', async () => {
    const { records, end } = await runCase('exec-thread', 5);
    expect(end).toMatchObject({ exitCode: 0, signal: null });
    const execs = called(records, 'execve');
    expect(execs).toHaveLength(2);
    if (can.returnValue) expect(returns(execs)).toEqual([0, 0]);
    expect(execs[1]?.tgid).toBe(execs[0]?.tgid);
    const calls = marked(records);
    expect(calls.map((r) => markOf(r)?.number)).toEqual([0, 1, 2, 3, 4]);
    for (const r of calls) expect(r).toMatchObject({ tid: execs[0]?.tgid, tgid: execs[0]?.tgid });
  });

  test('rt_sigreturn is named, although it exits with another number', async () => {
    const { records } = await runCase('sigreturn', 7);
    expect(called(records, 'rt_sigreturn')).toHaveLength(can.seesSigreturn ? 7 : 0);
    expect(called(records, 'tgkill')).toHaveLength(7);
    expect(records.filter((r) => r.nr < 0)).toHaveLength(0);
  });

  test('a call interrupted by a handler with SA_RESTART is a restart, then made again', async () => {
    const { records } = await runCase('restart', 2);
    const target = records[0]?.tgid;
    const fd = (r: EventRecord): boolean => r.tgid === target && r.args[2] === 1n;
    const reads = called(records, 'read').filter(fd);
    expect(reads).toHaveLength(4);
    const restart = can.seesRestarts ? -512 : -constants.errno.EINTR;
    if (can.returnValue) expect(returns(reads)).toEqual([restart, 1, restart, 1]);
    const sigreturns = called(records, 'rt_sigreturn').filter((r) => r.tgid === target);
    expect(sigreturns).toHaveLength(can.seesSigreturn ? 2 : 0);
  });

  test('stopped and continued inside nanosleep: −516, then restart_syscall', async () => {
    const { records, end } = await runCase('stop', 1);
    expect(end).toMatchObject({ exitCode: 0, signal: null });
    const target = records[0]?.tgid;
    const sleeps = called(records, 'nanosleep').filter((r) => r.tgid === target);
    const again = called(records, 'restart_syscall').filter((r) => r.tgid === target);
    expect(sleeps).toHaveLength(1);
    expect(again.length).toBeGreaterThanOrEqual(1);
    if (can.returnValue) {
      expect(returns(sleeps)).toEqual([can.seesRestarts ? -516 : -constants.errno.EINTR]);
      expect(returns(again).at(-1)).toBe(0);
    }
  });

  test('calls refused by seccomp are counted apart', async () => {
    const { records } = await runCase('refused', 11);
    const refused = records.filter((r) => r.kind === 'refused' && r.nr === nr('getppid'));
    if (can.seccompRefusals === 'told') {
      expect(refused).toHaveLength(11);
      for (const r of refused) expect(r.ret).toBe(BigInt(-constants.errno.EPERM));
      /* Where the mechanism's exit carries arguments. */
      const numbers = refused.filter((r) => r.args[0] !== null).map((r) => markOf(r)?.number);
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i));
      expect([0, 11]).toContain(numbers.length);
      expect(marked(records)).toHaveLength(0);
    } else {
      expect(refused).toHaveLength(0);
      const delivered = can.seccompRefusals === 'as-calls' ? 11 : 0;
      expect(returns(marked(records))).toEqual(new Array(delivered).fill(-constants.errno.EPERM));
    }
  });

  if (can.regime !== 'blocks' && can.seccompRefusals !== 'unseen')
    test('threads that are killed where a tracer has stopped them never entered', async () => {
      const { records, end } = await runCase('tracer', 23);
      expect(end).toMatchObject({ exitCode: 0, signal: null });
      const told = can.seccompRefusals === 'told';
      const ENOSYS = BigInt(-constants.errno.ENOSYS);
      const stopped = records.filter((r) => (told ? r.kind === 'refused' : r.ret === ENOSYS));
      expect(stopped.length).toBeGreaterThan(0);
      for (const r of stopped) {
        expect(r).toMatchObject(can.tellsKilled ? { noReturn: true, ret: null } : { noReturn: false, ret: ENOSYS });
        expect(records.findLast(({ tid }) => tid === r.tid)).toBe(r);
      }
      if (told) expect(returns(called(records, 'getppid'))).not.toContain(-constants.errno.ENOSYS);
    });

  if (NATIVE_ARCH === ARCH.x86_64)
    test('int 0x80: i386 calls are labelled, or the capability says that they are misnamed', async () => {
      const { records } = await runCase('int80', 13);
      const foreign = records.filter((r) => r.arch === ARCH.i386);
      expect(called(records, 'writev')).toHaveLength(can.misnamesForeignArch === true ? 13 : 0);
      if (can.seesForeignArch) {
        expect(foreign.map((r) => r.nr)).toEqual(new Array(13).fill(20));
        expect(foreign.map((r) => r.args[0])).toEqual(Array.from({ length: 13 }, (_, i) => BigInt(0x11110000 + i)));
        expect(foreign[0]?.args.slice(1, 4)).toEqual([0x2222n, 0x3333n, 0x4444n]);
        if (can.returnValue) for (const r of foreign) expect(r.ret).toBe(BigInt(r.tgid));
      } else {
        expect(foreign).toHaveLength(0);
      }
    });

  test.each([
    ['segfault', 11],
    ['killed', 9],
  ])('a target that ends by %s: its calls are delivered, its signal is told', async (name, signal) => {
    const { records, end } = await runCase(name, 101);
    expect(end).toMatchObject({ exitCode: null, signal });
    expect(marked(records).map((r) => markOf(r)?.number)).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });

  test('a filter delivers the wanted calls and no other', async () => {
    const { records } = await runCase('fork', 11, [nr('getppid'), nr('wait4')]);
    const calls = records.filter((r) => r.kind === 'call');
    expect(new Set(calls.map((r) => r.nr))).toEqual(new Set([nr('getppid'), nr('wait4')]));
    expect(marked(records)).toHaveLength(11);
    expect(called(records, 'wait4')).toHaveLength(11);
  });

  test('a target that would never end is killed when the run is aborted, and said', async () => {
    const enough = new AbortController();
    const onRecord = (): void => enough.abort(new Error('seen enough'));
    const run = collect(id, [CALLS_PROGRAM, 'forever'], { placement, signal: enough.signal, onRecord });
    await expect(run).rejects.toThrow('seen enough');
  });
});
