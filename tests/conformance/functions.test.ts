/**
 * Variants that trace a function of the target's own: what one call of it is, and that nothing of it is ever taken for a
 * system call. Their books are in accounting.test.ts, with everybody's.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import { type EventRecord, NR_FUNCTION } from '../../harness/event.ts';
import { anyFunction } from '../../harness/plan/events.ts';
import { NATIVE_ARCH, wakeupCode } from '../../harness/session/session.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { native } from '../../native/index.ts';
import { findWorkload } from '../../workloads/index.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { CALLS_PROGRAM, collect, subjects } from './collect.ts';
import { specFor, stamped } from './trial-process.ts';

const before = await restingState();
const tracing = (await subjects()).filter((s) => s.capabilities.events === 'function');
const usable = tracing.filter((s) => s.unavailable === null);

for (const s of tracing.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

/** START and END, by their first word. */
const MARK = 0x74726163656d6172n;
const GOLDEN = 0x9e3779b97f4a7c15n;
const MIX = 0xbf58476d1ce4e5b9n;
const hash = (stamp: bigint, i: number): bigint =>
  BigInt.asUintN(64, (stamp ^ BigInt.asUintN(64, GOLDEN * BigInt(i + 1))) * MIX);

describe.each(usable)('$id', ({ id }) => {
  const workload = findWorkload('function');
  const argv = (calls: number): string[] => workload?.argv({ calls, warmup: 7 }) ?? [];

  test('each call of the function once, with its six arguments, in order; no system call among them', async () => {
    const { records, end, report } = await collect(id, argv(1009));
    expect(end).toMatchObject({ exitCode: 0, signal: null });
    for (const record of records) {
      expect(record).toMatchObject({ kind: 'function', nr: NR_FUNCTION, arch: NATIVE_ARCH, enter: true, ret: null });
      expect(record.tid).toBe(record.tgid);
      expect(record.cpu).toBeLessThan(availableParallelism());
    }
    const isMark = (record: EventRecord): boolean => record.args[0] === MARK;
    expect(records.filter(isMark).map((r) => r.args[2])).toEqual([1n, 2n]);
    const calls = records.slice(records.findIndex(isMark) + 1, records.findLastIndex(isMark));
    const stamps = calls.map((r) => r.args[3] as bigint);
    expect(stamps.map((stamp) => Number((stamp >> 32n) & 0x3ffffffn))).toEqual(
      Array.from({ length: 1009 }, (_, i) => i),
    );
    for (const [i, stamp] of stamps.entries())
      for (const a of [0, 1, 2, 4, 5]) expect(calls[i]?.args[a]).toBe(hash(stamp, a));
    /* The warm-up's calls carry none. */
    expect(records.slice(0, records.findIndex(isMark)).map((r) => r.args[3])).toEqual(new Array(7).fill(0n));
    /* Timestamps are of the hits: at or after the stamp's, in its units of 16 ns. */
    const sent = (stamp: bigint): bigint => stamp & 0xffffffffn;
    for (const [i, stamp] of stamps.entries()) {
      const behind = BigInt.asUintN(32, ((calls[i]?.tsNs ?? 0n) >> 4n) - sent(stamp));
      expect(behind).toBeLessThan(1n << 31n);
    }
    expect(report.ledger.calls.every((n) => n === 0)).toBe(true);
  });

  test('a program of which no function is known is refused before it runs', async () => {
    await expect(collect(id, [CALLS_PROGRAM, 'marked', '3'])).rejects.toThrow(/traces calls of a function/);
  });

  test('a filter of system calls is refused by its source, and so is a function that the program lacks', async () => {
    const { backend, variant } = findVariant(id);
    const known = anyFunction('function');
    if (known === undefined) throw new Error('no workload has a function');
    const ask = async (filter: number[] | null, traced: typeof known) => {
      const trace = { bufferBytes: 1 << 20, filter, wakeup: variant.wakeup, function: traced };
      const options = backend.sourceOptions?.(variant, trace) ?? {};
      const { name, source } = { name: variant.name, source: backend.source };
      return native().probe({
        source,
        variant: name,
        bufferBytes: 1 << 20,
        filter,
        ...wakeupCode(variant.wakeup),
        options,
        paths: false,
      });
    };
    expect(await ask(null, known)).toMatchObject({ answer: 'yes' });
    expect(await ask([39], known)).toMatchObject({ answer: 'no', message: expect.stringContaining('filter') });
    const lacking = { ...known, symbol: 'tb_none', stepped: 'tb_none', probe: 'none' };
    expect(await ask(null, lacking)).toMatchObject({ answer: 'no', message: expect.stringContaining('none') });
    const unbuilt = { ...known, program: '/nonexistent/tb-function' };
    expect(await ask(null, unbuilt)).toMatchObject({ answer: 'no', mend: 'npm run build' });
  });

  test('the trial process is killed: target and probes go with it', async () => {
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => trial.once('exit', (_code, signal) => resolve(signal)));
    trial.stdin.write(`${JSON.stringify(specFor(id, stamped('function', 100_000_007)))}\n`);
    await sleep(500);
    const tree = treeOf(trial.pid as number);
    expect(tree.length).toBeGreaterThan(1);
    trial.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    await until(() => stillRunning(tree).length === 0, 2000);
    expect(stillRunning(tree)).toEqual([]);
    await expectRestored(before);
  });
});
