/** Audit is given back, whoever is killed: the trial, its guard, or both; and what is not ours is left alone. */
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { machineState, repair } from '../../harness/doctor/index.ts';
import { distDir } from '../../harness/paths.ts';
import { holdAll } from '../../harness/session/guard.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { audit, keysOf, longTrial } from './audit.ts';
import { subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const all = (await subjects()).filter((s) => s.id.startsWith('auditd'));
const usable = all.filter((s) => s.unavailable === null);

for (const s of all.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

/* The end of a program raises a record; while audit is enabled a full queue would refuse it, and count it as a call of the target's. */
test.runIf(usable.length > 0 && (await probeVariant('ebpf')).answer === 'yes')(
  'audit is enabled once the BPF programs of the trial before are gone',
  async () => {
    const before = await restingState();
    const programs = async () => ((await machineState()).bpf as { programs: readonly unknown[] }).programs.length;
    const cli = join(distDir, 'harness', 'cli.js');
    const traced = execa(process.execPath, [cli, 'trace', '--backend', 'ebpf', '-c', '--', 'sleep', '0.5']);
    for (let looks = 0; (await programs()) === 0; looks++) if (looks === 100) throw new Error('nothing was loaded');
    const held = await holdAll(['audit']);
    const left = await programs();
    try {
      expect(left).toBe(0);
      expect((await audit()).enabled).toBe(1);
    } finally {
      await held.release();
      await traced;
    }
    await expectRestored(before);
  },
);

describe.each(usable)('$id', ({ id }) => {
  test('a guard that was killed with its trial is made good by doctor --repair', async () => {
    const before = await restingState();
    const trial = await longTrial(id);
    const tree = treeOf(trial.pid);
    process.kill(trial.guard, 'SIGKILL');
    trial.kill();
    expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
    const left = await audit();
    expect(left.enabled).toBe(1);
    expect(keysOf(left).filter((key) => key.startsWith('tracebench-audit'))).toHaveLength(2);
    const removed = (await repair()).filter((line) => line.startsWith('removed stale audit: '));
    expect(removed).toHaveLength(2);
    expect(removed.join('\n')).toContain('tracebench-audit-saved:');
    expect(removed.join('\n')).toContain(`tracebench-audit:${trial.pid}:`);
    await expectRestored(before);
  });

  test('while a trial lives whose guard was killed, nothing is repaired', async () => {
    const before = await restingState();
    const trial = await longTrial(id);
    const tree = treeOf(trial.pid);
    try {
      process.kill(trial.guard, 'SIGKILL');
      expect(await until(() => stillRunning(tree).every((p) => p.pid !== trial.guard), 2000)).toBe(true);
      await repair();
      const state = await audit();
      expect(state.enabled).toBe(1);
      expect(keysOf(state)).toHaveLength(2);
    } finally {
      trial.kill();
    }
    expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
    await repair();
    await expectRestored(before);
  });

  test('a second trial is refused, with the reason', async () => {
    const before = await restingState();
    const trial = await longTrial(id);
    const tree = treeOf(trial.pid);
    try {
      const second = await runTrial(specFor(id, stamped('null', 1009), { auditContext: 'present' }));
      expect(second).toMatchObject({ status: 'failed', error: { code: 'BUSY' } });
      expect(second.status === 'failed' && second.error.message).toMatch(
        /another trial is using audit|belongs to process/,
      );
    } finally {
      trial.kill();
    }
    expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
    await expectRestored(before);
  });
});
