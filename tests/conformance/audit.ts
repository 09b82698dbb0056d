/** Audit as it stands, and a trial that holds it. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineState } from '../../harness/doctor/index.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { statusLine, treeOf } from '../fixtures/processes.ts';
import { specFor, stamped } from './trial-process.ts';

/** As `tracebench-guard --state` has it: everything of audit that a trial could change. */
export interface AuditState {
  readonly enabled: number;
  /** The owner's; 0: nobody. */
  readonly pid: number;
  readonly ownerLives: boolean;
  readonly rules: readonly { readonly fields: readonly { readonly field: string; readonly value: unknown }[] }[];
}

export async function audit(): Promise<AuditState> {
  return ((await machineState()).guard as { audit: AuditState }).audit;
}

export const keysOf = (state: AuditState): string[] =>
  state.rules.flatMap((rule) => rule.fields.filter((f) => f.field === 'key').map((f) => String(f.value)));

/** A trial whose target is traced and goes on for a long time. */
export async function longTrial(id: string): Promise<{ pid: number; guard: number; kill(): void }> {
  const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
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
