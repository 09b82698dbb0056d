/**
 * Idle policy `busy`: a process of its own keeps every CPU awake while a trial runs (native/launcher, tracebench-awake).
 * The same helper protocol as the guard's: it ends at the end of its pipe, however this process ends.
 */
import { cannotError, EXIT, TracebenchError } from '../errors.ts';
import type { Spinners } from '../result.ts';
import { holdCpuGroup } from '../session/guard.ts';
import { Helper } from '../session/helper.ts';

export const AWAKE_PROGRAM = 'tracebench-awake';

/** What has need of idle-class spinners, by its flag, and what to do where there can be none. */
export const IDLE_BUSY = { flag: '--idle busy', without: 'use --idle native' } as const;
export const CPU_BILL = { flag: '--cpu-bill', without: 'use --no-cpu-bill' } as const;
export type Need = typeof IDLE_BUSY | typeof CPU_BILL;

export interface Awake {
  readonly spinners: Spinners;
  /** Lets the CPUs sleep again. Throws when they were not kept awake all the time. */
  release(): Promise<void>;
}

/**
 * Resolves when every CPU has its spinner. `soakFd`: of a soaker's page, in which they count (cpu-bill/soaker.ts). Throws
 * TracebenchError (exit code 3) where that cannot be had.
 *
 * Where a control group can be had, as root, the spinners have one of their own, which is idle as a whole. Without it they
 * are in the group of this session (autogroup), and give way inside of that alone: kernel threads, which are in none, were
 * seen runnable for seconds beside it without running.
 */
export async function keepAwake(soakFd = -1): Promise<Awake> {
  const group = await holdCpuGroup();
  try {
    const args = group.where === null ? [] : ['--group', group.where];
    const soak = soakFd < 0 ? [] : ['--soak', String(soakFd)];
    const release = await spin([...args, ...soak], soakFd, () => group.release());
    return { spinners: { ownGroup: group.held, reason: group.reason }, release };
  } catch (error) {
    await group.release();
    throw error;
  }
}

async function spin(args: readonly string[], soakFd: number, giveBack: () => Promise<void>): Promise<Awake['release']> {
  const helper = new Helper(AWAKE_PROGRAM, args, soakFd);
  const answer = await helper.next();
  if (answer?.['event'] !== 'awake') {
    await helper.end();
    throw awakeRefused(answer?.['message'], soakFd < 0 ? IDLE_BUSY : CPU_BILL);
  }
  return async () => {
    helper.release();
    const { code, signal } = await helper.reap().finally(giveBack);
    if (code === 0) return;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    throw new TracebenchError(
      EXIT.runError,
      `the CPUs were not kept awake to the end: ${AWAKE_PROGRAM} ended with ${how}`,
    );
  };
}

/** What to throw where the CPUs cannot be kept awake; `message` is the program's own. */
export function awakeRefused(message: unknown, need: Need): TracebenchError {
  return cannotError(
    `${need.flag}: the CPUs cannot be kept awake: ${message ?? `${AWAKE_PROGRAM} ended without a word`}`,
    `${need.without}, or run where the idle scheduling class is allowed (a container needs sched_setscheduler)`,
  );
}
