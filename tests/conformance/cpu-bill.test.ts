/** The CPU bill of real soaked trials: it adds up, the books stand, and a soaker is refused a page that is none. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listOurProcesses } from '../../harness/doctor/processes.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { binDir } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const cpus = readMachine().cpus.length;
const canTrace = (await probeVariant('ebpf')).answer === 'yes';

/* On a machine that others keep busy the idle class may get nothing for long; a trial then says so and has no bill. */
const patient = { retry: 5 };

test.each(['none', ...(canTrace ? ['ebpf'] : [])])(
  '%s: a soaked trial has a bill that adds up',
  patient,
  async (id) => {
    const trial = await runTrial(specFor(id, stamped('null', 100_000), { soaked: true }));
    if (trial.status !== 'completed') throw new Error(trial.error.message);
    const bill = trial.cpuBill;
    if (bill === undefined) throw new Error('a soaked trial without a bill');
    expect(bill.cpus).toBe(cpus);
    expect(bill.windowNs).toBeGreaterThanOrEqual(trial.section?.durationNs ?? Infinity);
    expect(bill.workloadNs).toBe(trial.section?.cpuNs);
    expect(bill.drainNs).toBe(trial.collector.drainCpuNs);
    expect(bill.soakedNs).toBeGreaterThanOrEqual(0);
    expect(bill.idleBusyFraction).toBeLessThan(1);
    expect(bill.soakedNs).toBeLessThan(bill.windowNs * cpus);
    const named = bill.workloadNs + bill.drainNs + bill.otherThreadsNs;
    const kernel = bill.kernelThreads.reduce((sum, { cpuNs }) => sum + cpuNs, 0);
    expect(bill.totalNs).toBeCloseTo(named + kernel + bill.unattributedNs, 0);
    expect(bill.totalNs).toBeCloseTo(bill.windowNs * cpus - bill.soakedNs - bill.spunNs, 0);
    if (trial.accounting.delivers !== 'nothing') expect(trial.accounting.verdict).toBe('reconciled');
    expect(listOurProcesses().filter(({ name }) => name === 'tracebench-awake')).toEqual([]);
  },
);

test('a trial that is not soaked has no bill', async () => {
  expect(await runTrial(specFor('none', stamped('null', 1000)))).not.toHaveProperty('cpuBill');
});

test('the soaker takes no descriptor but a page that was made for it', async () => {
  const file = openSync('/dev/zero', 'r+');
  const soak = spawn(join(binDir, 'tracebench-awake'), ['--soak', '5'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', file],
  });
  let said = '';
  soak.stderr?.on('data', (data: Buffer) => {
    said += String(data);
  });
  expect(await new Promise((resolve) => soak.once('close', resolve))).toBe(2);
  expect(said).toContain('--soak 5 is not a soaker');
});
