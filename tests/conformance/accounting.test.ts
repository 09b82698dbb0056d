/**
 * The books: every variant on every stamped workload, whole; with a collector that stalls, lossy and still reconciled;
 * and with a bridge broken on purpose, caught to the call.
 */
import { describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { bytesForCalls } from '../../harness/plan/buffer.ts';
import type { Accounting, CompletedTrial, TrialResult } from '../../harness/result.ts';
import { findWorkload, workloads } from '../../workloads/index.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { fewCalls, isFor, outlasting, plainest, roomFor, type Subject, subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

/** Primes, small enough for ptrace: iterations for exec cost a fork and two execs. */
const CALLS: Record<string, number> = { threads: 5003, exec: 211 };
const DEFAULT_CALLS = 20_011;

/** Of the machine, before anything here ran. */
const before = await restingState();
const machine = readMachine();
const all = await subjects();
const usable = all.filter((s) => s.unavailable === null);

for (const s of all.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

function completed(result: TrialResult): CompletedTrial {
  if (result.status !== 'completed') throw new Error(`${result.error.code}: ${result.error.message}`);
  return result;
}

function records(trial: CompletedTrial): Extract<Accounting, { delivers: 'records' }> {
  if (trial.accounting.delivers !== 'records') throw new Error(`delivers ${trial.accounting.delivers}`);
  return trial.accounting;
}

/** Variants of a mechanism share what makes a workload special: threads and processes are tried on each, the rest on its default. */
const FEW = ['null', 'threads', 'exec', 'function'];
const isDefault = (id: string): boolean => findVariant(id).variant.name === '';

describe.each(usable)('$id', (subject: Subject) => {
  const { id, capabilities: can } = subject;
  const plain = plainest(subject);
  const own = workloads.filter((w) => isFor(subject, w)).map((w) => w.name);
  test.each(own.filter((name) => isDefault(id) || FEW.includes(name)))(
    '%s: issued = delivered, contents as issued',
    async (name) => {
      const calls = CALLS[name] ?? DEFAULT_CALLS;
      const bufferBytes = roomFor(id, calls, 8 << 20);
      const workload = stamped(name, calls, name === 'threads' ? 3 : 1);
      const entry = findWorkload(name);
      const filter = fewCalls(id, ['getppid', ...(entry?.stamped ?? []), ...(entry?.counted ?? [])]);
      const trial = completed(await runTrial(specFor(id, workload, { bufferBytes, filter })));
      expect(trial.run).toMatchObject({ exitCode: 0, signal: null });
      expect(trial.section?.calls).toBeGreaterThanOrEqual(calls);
      expect(trial.section?.durationNs).toBeGreaterThan(0);
      const a = trial.accounting;
      if (a.delivers === 'nothing') {
        expect(can.delivers).toBe('nothing');
        expect(trial.latency).toBeNull();
        return;
      }
      expect(a.reasons).toEqual([]);
      expect(a.verdict).toBe('reconciled');
      if (a.delivers === 'counts') {
        expect(a.counted + a.missed).toBe(a.issued);
        expect(a.issued).toBe(trial.section?.allCalls);
        return;
      }
      expect(a).toMatchObject({
        missing: 0,
        missingCounted: 0,
        partial: 0,
        mismatches: 0,
        duplicates: 0,
        neverIssued: 0,
      });
      expect(a.complete).toBe(trial.section?.calls);
      for (const kind of a.kinds) expect(kind.delivered, kind.name).toBe(kind.issued);
      /* Calls that may sleep have no latency: all of exec's. */
      const timed = entry?.function !== undefined || entry?.stamped.some((call) => !entry.blocking.includes(call));
      expect(trial.latency?.made).toBe(!timed ? undefined : can.detail === 'enter' ? 'enter' : 'exit');
    },
  );

  if (isDefault(id))
    test.each([0, 25])('%i %% of the calls pass the filter: these alone are missed or delivered', async (match) => {
      const workload = { ...stamped('selective', 4000), match };
      const changes = { filter: ['lseek'], bufferBytes: roomFor(id, 4000, 8 << 20) };
      const { accounting: a, section } = completed(await runTrial(specFor(id, workload, changes)));
      expect(section?.calls).toBe(4000);
      if (a.delivers === 'nothing') return;
      expect(a.reasons).toEqual([]);
      expect(a).toMatchObject({ verdict: 'reconciled', issued: (4000 * match) / 100 });
      expect(a.kinds.map(({ name, delivered }) => [name, delivered])).toEqual([
        ['lseek', (4000 * match) / 100],
        ['getuid', 0],
      ]);
    });

  const { buffer } = findVariant(id).variant;
  test(
    buffer === null ? 'has no buffer' : 'a buffer sized in calls holds them, and fewer than twice as many',
    async () => {
      const asked = 10_000;
      const changes = buffer === null ? {} : { inFlight: asked, bufferBytes: bytesForCalls(buffer, asked, machine) };
      const filter = fewCalls(id, ['getppid']);
      const { geometry } = completed(await runTrial(specFor(id, stamped(plain, 5003), { ...changes, filter })));
      if (buffer === null) {
        expect(geometry).toEqual({ bufferBytes: 0, reachableBytesPerCpu: 0, bytesPerCall: 0, callsInFlight: 0 });
        return;
      }
      expect(geometry.bytesPerCall).toBe(buffer.bytesPerCall);
      expect(geometry.callsInFlight).toBeGreaterThanOrEqual(asked);
      expect(geometry.callsInFlight).toBeLessThan(2 * asked);
      expect(geometry.reachableBytesPerCpu < geometry.bufferBytes).toBe(buffer.perCpu && machine.bufferCpus > 1);
    },
  );

  if (isDefault(id))
    test('an open loop keeps its schedule by waiting in memory, and its books balance', async () => {
      /* Bursts of 10 every 2 ms; seven of them, so that the schedule lasts 14 ms. */
      const pace = { ratePerS: 5000, burstCalls: 10 };
      const workload = { ...stamped('null', 70), pace };
      const trial = completed(await runTrial(specFor(id, workload)));
      const { section, openLoop } = trial;
      if (section === null || openLoop === null) throw new Error('no section, or no open loop');
      expect(section.calls).toBe(70);
      /* The last burst has its period as well, so what is achieved never exceeds what was offered. */
      expect(section.durationNs).toBeGreaterThanOrEqual(14e6);
      expect(openLoop.achievedPerS).toBeLessThanOrEqual(5000);
      expect(openLoop.achievedPerS).toBeCloseTo(70e9 / section.durationNs, 6);
      expect(section.waitedNs).toBeGreaterThan(0);
      expect(section.waitedNs).toBeLessThan(section.durationNs);
      expect(openLoop.lateBursts).toBeLessThanOrEqual(7);
      if (trial.accounting.delivers === 'nothing') {
        expect(openLoop.latencyFromDue).toBeNull();
        return;
      }
      /* An undeclared call in the section, one that the pacing made, would be an accounting error. */
      expect(trial.accounting.reasons).toEqual([]);
      expect(trial.accounting.verdict).toBe('reconciled');
      if (trial.accounting.delivers !== 'records') return;
      expect(openLoop.latencyFromDue?.count).toBe(trial.latency?.count);
      /* Nothing is sent before it is due; the stamp's unit is 16 ns. */
      expect(openLoop.latencyFromDue?.minNs).toBeGreaterThanOrEqual((trial.latency?.minNs ?? 0) - 16);
      expect(openLoop.latencyFromDue?.maxNs).toBeGreaterThanOrEqual((trial.latency?.maxNs ?? 0) - 16);
    });

  if (can.delivers === 'records')
    test('a collector that stalls 100 ms', async () => {
      const workload = stamped(plain, outlasting(100, subject));
      /* Early: on a CPU that it shares with the workload a collector may come to little before the end. */
      const stall = { stallMs: 100, stallAfterCalls: 100 };
      const trial = completed(await runTrial(specFor(id, workload, { bufferBytes: 64 << 10, ...stall })));
      const a = records(trial);
      expect(a.reasons).toEqual([]);
      expect(a.verdict).toBe('reconciled');
      if (can.regime === 'blocks') {
        if (can.losesEnd === 'none') expect(a.missing).toBe(0);
        expect(trial.section?.durationNs).toBeGreaterThan(100e6);
      } else {
        expect(a.missing).toBeGreaterThan(0);
        expect(a.reportedCalls.min).toBeGreaterThan(0);
        expect(a.lossRuns.runs).toBeGreaterThan(0);
        expect(a.lossRuns.deciles.reduce((x, y) => x + y, 0)).toBe(a.missing);
        /* audit's queue may overflow behind its back, where one call costs it three records or nine. */
        if (!id.startsWith('auditd')) expect(a.discrepancy).toEqual({ min: 0, max: 0 });
      }
    });

  if (can.delivers === 'records' && isDefault(id))
    test('13 records dropped behind its back are 13 under-reported calls', async () => {
      const hooks = JSON.stringify({ dropCalls: 13, dropAfter: 100 });
      const trial = completed(
        await runTrial(specFor(id, stamped('null', 5003), { bufferBytes: roomFor(id, 5003, 8 << 20) }), {
          TRACEBENCH_TEST_HOOKS: hooks,
        }),
      );
      const a = records(trial);
      expect(a.verdict).toBe('under-reported');
      expect(a.discrepancy).toEqual({ min: 13, max: 13 });
      expect(a.missing).toBe(13);
      expect(a.lossRuns).toMatchObject({ runs: 1, longest: 13 });
    });

  if (can.delivers === 'records' && isDefault(id))
    test('a stamp nobody issued is an error', async () => {
      const hooks = JSON.stringify({ forgeStamps: 2, dropAfter: 100 });
      const trial = completed(
        await runTrial(specFor(id, stamped('null', 5003), { bufferBytes: roomFor(id, 5003, 8 << 20) }), {
          TRACEBENCH_TEST_HOOKS: hooks,
        }),
      );
      const a = records(trial);
      expect(a.verdict).toBe('error');
      expect(a.neverIssued).toBe(2);
      expect(a.reasons.join(' ')).toContain('never issued');
    });

  if (can.delivers === 'records' && isDefault(id))
    test('time to JavaScript is a distribution of its own', async () => {
      const spec = specFor(id, stamped('null', 5003), {
        consumer: 'javascript',
        bufferBytes: roomFor(id, 5003, 8 << 20),
      });
      const trial = completed(await runTrial(spec));
      expect(trial.timeToJavaScript?.count).toBe(5003);
      expect(trial.timeToJavaScript?.p50Ns).toBeGreaterThan(0);
      expect(trial.latency?.count).toBe(5003);
    });

  test('all of these have left the machine as it was', () => expectRestored(before));
});
