/**
 * The guard: a process of its own that holds what must be given back, and gives it back when this process is gone,
 * however it went. One per trial; its README (native/launcher) lists what it can hold.
 */
import { BackendError } from './errors.ts';
import { Helper } from './helper.ts';

export interface Guard {
  readonly held: boolean;
  /** Why it is not held; empty when it is. */
  readonly reason: string;
  /** What is held, where it has a name: the control group's directory. */
  readonly where: string | null;
  /** Gives back and waits until that is done. Throws when it could not be given back. */
  release(): Promise<void>;
}

async function hold(option: string, whatStays: string): Promise<Guard> {
  const helper = new Helper('tracebench-guard', [option], -1);
  const answer = await helper.next();
  const held = answer?.['held'] === true;
  const reason = held ? '' : String(answer?.['reason'] ?? 'the guard ended without an answer');
  const where = answer?.['where'];
  return {
    held,
    reason,
    where: typeof where === 'string' ? where : null,
    async release() {
      helper.release();
      const { code } = await helper.reap();
      if (held && code !== 0) throw new Error(`the guard could not ${whatStays}; run: ./tracebench doctor --repair`);
    },
  };
}

/** Holds a `never,task` audit rule: tasks forked while it stands carry no audit context (docs/method.md, "Audit's mark"). */
export function holdNoAuditContext(): Promise<Guard> {
  return hold('--never-task', 'remove its never,task audit rule');
}

/** Holds a control group for one target. Release it once the target's tree is gone. */
export function holdCgroup(): Promise<Guard> {
  return hold('--cgroup', 'remove its control group');
}

/**
 * Holds audit enabled, for a trial that becomes its owner or one that only listens. Throws BackendError when audit cannot
 * be had: nothing is held then.
 */
export async function holdAudit(as: 'owner' | 'listener'): Promise<Guard> {
  const guard = await hold(as === 'owner' ? '--audit' : '--audit-listen', 'put audit’s status and rules back');
  if (guard.held) return guard;
  await guard.release();
  throw new BackendError('BUSY', 'guard', 'audit', guard.reason, { mend: './tracebench doctor says what can be done' });
}
