/** Audit is given back, whoever is killed: the trial, its guard, or both; and what is not ours is left alone. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { machineState, repair } from '../../harness/doctor/index.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { statusLine, stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { subjects } from './collect.ts';
import { runTrial, specFor, stamped, TRIAL_ENTRY } from './trial-process.ts';

const all = (await subjects()).filter((s) => s.id.startsWith('auditd'));
const usable = all.filter((s) => s.unavailable === null);

for (const s of all.filter((r) => r.unavailable !== null)) test.skip(`${s.id}: ${s.unavailable}`, () => {});

interface AuditState {
  readonly enabled: number;
  readonly rules: readonly { readonly fields: readonly { readonly field: string; readonly value: unknown }[] }[];
}

async function audit(): Promise<AuditState> {
  return ((await machineState()).guard as { audit: AuditState }).audit;
}

const keysOf = (state: AuditState): string[] =>
  state.rules.flatMap((rule) => rule.fields.filter((f) => f.field === 'key').map((f) => String(f.value)));

/** A trial whose target is traced and goes on for a long time. */
async function longTrial(id: string): Promise<{ pid: number; guard: number; kill(): void }> {
  const trial = spawn(process.execPath, [TRIAL_ENTRY], { stdio: ['pipe', 'ignore', 'ignore'] });
  trial.stdin.on('error', () => {});
  const spec = specFor(id, stamped('exec', 1_000_003), { auditContext: 'present' });
  trial.stdin.write(`${JSON.stringify(spec)}\n`);
  const pid = trial.pid as number;
  const traced = `tracebench-audit:${pid}:`;
  for (let i = 0; !keysOf(await audit()).some((key) => key.startsWith(traced)); i++) {
    if (i === 200) throw new Error('the trial never added its rule');
    await sleep(25);
  }
  const guard = treeOf(pid).find((p) => statusLine(p.pid, 'Name')?.startsWith('tracebench-guar'));
  if (guard === undefined) throw new Error('the trial has no guard');
  return { pid, guard: guard.pid, kill: () => trial.kill('SIGKILL') };
}

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
