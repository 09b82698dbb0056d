/** The CPU bill of real soaked trials: it adds up, the books stand, and a soaker is refused a page that is none. */
import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { machineState } from '../../harness/doctor/index.ts';
import { listOurProcesses } from '../../harness/doctor/processes.ts';
import { readMachine } from '../../harness/machine/machine.ts';
import { binDir } from '../../harness/paths.ts';
import { holdCpuGroup } from '../../harness/session/guard.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { keepAwake } from '../../harness/trial/idle.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { until } from '../fixtures/processes.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const cpuGroup = await holdCpuGroup();
const canHaveGroup = cpuGroup.held;
await cpuGroup.release();
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

/* Beside spinners that give way within the session's group alone, kernel threads were seen to wait for seconds. */
describe.runIf(canHaveGroup)('the spinners', () => {
  const CPU_CONTROLLER = /^\d+:(?:|[^:]*\bcpu\b[^:]*):(.*)$/m;
  const groupOf = (pid: number, tid: string): string =>
    CPU_CONTROLLER.exec(readFileSync(`/proc/${pid}/task/${tid}/cgroup`, 'utf8'))?.[1] ?? '';
  const ourGroups = async () => ((await machineState()).guard as { cgroups: readonly string[] }).cgroups;
  const awake = () => listOurProcesses().filter(({ name }) => name === 'tracebench-awake');

  test('are in a control group of their own, idle as a whole, which goes with them', async () => {
    const before = await restingState();
    const held = await keepAwake();
    try {
      expect(held.spinners).toEqual({ ownGroup: true, reason: '' });
      const pid = (awake()[0] as { pid: number }).pid;
      const spinners = readdirSync(`/proc/${pid}/task`).filter((tid) => Number(tid) !== pid);
      expect(spinners).toHaveLength(cpus);
      const groups = new Set(spinners.map((tid) => groupOf(pid, tid)));
      expect(groups.size).toBe(1);
      const [group] = groups as unknown as [string];
      expect(group).toMatch(/tracebench-\d+-\d+-cpu(-on)?$/);
      expect(groupOf(pid, String(pid))).not.toBe(group);
      const cgroups = await ourGroups();
      expect(cgroups).toHaveLength(1);
      expect(readFileSync(join(cgroups[0] as string, 'cpu.idle'), 'utf8').trim()).toBe('1');
    } finally {
      await held.release();
    }
    await expectRestored(before);
  });

  test('and their group are gone when their trial is killed', async () => {
    const before = await restingState();
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
    trial.stdin.on('error', () => {});
    trial.stdin.write(`${JSON.stringify(specFor('none', stamped('exec', 1_000_003), { idle: 'busy' }))}\n`);
    expect(await until(() => awake().length === 1, 10_000)).toBe(true);
    expect(await ourGroups()).toHaveLength(1);
    trial.kill('SIGKILL');
    expect(await until(() => awake().length === 0, 10_000)).toBe(true);
    await expectRestored(before, 10_000);
  });
});

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
