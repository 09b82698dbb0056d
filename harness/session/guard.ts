/**
 * The guard: a process of its own that holds what must be given back, and gives it back when this process is gone,
 * however it went. One per trial; its README (native/launcher) lists what it can hold.
 */
import type { HoldName } from '../backend.ts';
import { BackendError } from '../errors.ts';
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

/** `name`: of a hold in native/launcher/README.md. */
async function hold(name: HoldName): Promise<Guard> {
  const helper = new Helper('tracebench-guard', [`--${name}`], -1);
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
      if (held && code !== 0) {
        throw new Error(`the guard could not give back what it held (${name}); run: ./tracebench doctor --repair`);
      }
    },
  };
}

/** Holds a `never,task` audit rule: tasks forked while it stands carry no audit context (docs/method.md, "Audit's mark"). */
export function holdNoAuditContext(): Promise<Guard> {
  return hold('never-task');
}

/** Holds a control group for one target. Release it once the target's tree is gone. */
export function holdCgroup(): Promise<Guard> {
  return hold('cgroup');
}

/** Holds a control group for threads: one whose CPU time is limited, or spinners that must give way. Release it once they are gone. */
export function holdCpuGroup(): Promise<Guard> {
  return hold('cpu-group');
}

/** Holds a private directory for one target's files. Release it once the target's tree is gone. */
export function holdScratch(): Promise<Guard> {
  return hold('scratch');
}

/** Holds all of `names`, in this order. Throws BackendError when one cannot be had: nothing is held then. */
export async function holdAll(names: readonly HoldName[]): Promise<{ release(): Promise<void> }> {
  const guards: Guard[] = [];
  const release = async (): Promise<void> => {
    for (const guard of guards.splice(0).reverse()) await guard.release();
  };
  for (const name of names) {
    const guard = await hold(name);
    guards.push(guard);
    if (guard.held) continue;
    await release();
    throw new BackendError('BUSY', 'guard', name, guard.reason, { mend: './tracebench doctor says what can be done' });
  }
  return { release };
}
