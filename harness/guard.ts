/**
 * The guard: a process of its own that holds what must be given back, and gives it back when this process is gone,
 * however it went. One per trial; its README (native/launcher) lists what it can hold.
 */
import { Helper } from './helper.ts';

export interface Guard {
  readonly held: boolean;
  /** Why it is not held; empty when it is. */
  readonly reason: string;
  /** Gives back and waits until that is done. Throws when it could not be given back. */
  release(): Promise<void>;
}

/** Holds a `never,task` audit rule: tasks forked while it stands carry no audit context (DESIGN of the method: audit's mark). */
export async function holdNoAuditContext(): Promise<Guard> {
  const helper = new Helper('tracebench-guard', ['--never-task'], -1);
  const answer = await helper.next();
  const held = answer?.['held'] === true;
  const reason = held ? '' : String(answer?.['reason'] ?? 'the guard ended without an answer');
  return {
    held,
    reason,
    async release() {
      helper.release();
      const { code } = await helper.reap();
      if (held && code !== 0) {
        throw new Error('the guard could not remove its never,task audit rule; run: ./tracebench doctor --repair');
      }
    },
  };
}
