/** A collector with a CPU quota: it is held back, the books balance, nothing of it stays. Bounds are of bookkeeping, not of speed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalJson, machineState } from '../../harness/doctor/index.ts';
import { EXIT, type TracebenchError } from '../../harness/errors.ts';
import type { TrialSpec } from '../../harness/result.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { holdCpuQuota } from '../../harness/trial/cpu-quota.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { runTrial, specFor } from './trial-process.ts';

const canHaveQuota = await holdCpuQuota(0.5).then(
  (quota) => quota.release().then(() => true),
  (error: TracebenchError) => {
    if (error.exitCode === EXIT.cannot) return false;
    throw error;
  },
);
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',');
const usable: string[] = [];
for (const id of ['ebpf/ringbuf', 'perf', 'ptrace'])
  if (required.includes(id.split('/')[0] ?? '') || (await probeVariant(id)).answer === 'yes') usable.push(id);

let before: string;
beforeAll(async () => {
  before = await restingState();
});
afterAll(() => expectRestored(before));

const paced: TrialSpec['workload'] = {
  kind: 'stamped',
  name: 'null',
  calls: 40_000,
  threads: 1,
  seed: 1,
  pace: { ratePerS: 200_000, burstCalls: 1 },
};

test.runIf(canHaveQuota).each(usable)('%s with a fiftieth of a CPU', async (id) => {
  const changes = { bufferBytes: 512 << 10, cpuQuota: 0.02 };
  const trial = await runTrial(specFor(id, id === 'ptrace' ? { ...paced, calls: 4000 } : paced, changes));
  if (trial.status === 'failed') throw new Error(trial.error.message);
  const { accounting, throttling, collector } = trial;
  if (accounting.delivers !== 'records') throw new Error('no records');
  expect(accounting.reasons).toEqual([]);
  expect(accounting.verdict).toBe('reconciled');
  expect(accounting.missing).toBeGreaterThanOrEqual(0);
  if (id === 'ptrace') expect(accounting.missing).toBe(0);
  if (throttling === undefined) throw new Error('nothing is said of the quota');
  expect(throttling.throttledPeriods).toBeGreaterThan(0);
  expect(throttling.throttledPeriods).toBeLessThanOrEqual(throttling.periods);
  expect(throttling.throttledNs).toBeGreaterThan(0);
  expect(throttling.throttledNs).toBeLessThanOrEqual(throttling.elapsedNs);
  expect(collector.drainCpuNs).toBeGreaterThan(0);
  expect(canonicalJson((await machineState()).guard)).toContain('"cgroups":[]');
});

test('a stall that the section was over before fails the trial', async () => {
  const spec = specFor('ptrace', { ...paced, calls: 100 }, { stallMs: 10, stallAfterCalls: 1000 });
  expect(await runTrial(spec)).toMatchObject({
    status: 'failed',
    error: { message: 'the collector was to stand still after 1000 calls and delivered fewer' },
  });
});
