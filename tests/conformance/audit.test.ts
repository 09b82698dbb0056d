/** Audit is given back, whoever is killed: the trial, its guard, or both; and what is not ours is left alone. */
import { describe, expect, test } from 'vitest';
import { repair } from '../../harness/doctor/index.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { audit, keysOf, longTrial } from './audit.ts';
import { subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const all = (await subjects()).filter((s) => s.id.startsWith('auditd'));
const usable = all.filter((s) => s.unavailable === null);

for (const s of all.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

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
