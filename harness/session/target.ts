/** The target: any command, started by the launcher, waiting at its gate until the collector is armed. */
import { constants } from 'node:os';
import { BackendError, EXIT, TracebenchError } from '../errors.ts';
import { type Guard, holdCgroup } from './guard.ts';
import { Helper } from './helper.ts';

/** From the launcher's start to the target at its gate: milliseconds, but for a user database that has to ask elsewhere. */
const READY_LIMIT_MS = 15_000;

export interface TargetSettings {
  readonly argv: readonly string[];
  /** Where the target may run; null: anywhere. */
  readonly cpus: readonly number[] | null;
  /** NAME or UID[:GID]; null: as the harness. */
  readonly user: string | null;
  /** Numbers for a SECCOMP_RET_TRACE filter; null: none. */
  readonly seccompTrace: readonly number[] | null;
  /** In a control group of its own, which goes with it; false: in the harness's. */
  readonly cgroup: boolean;
  /** CAP_SYS_ADMIN stays over the change of user, up to the execve. */
  readonly keepSysAdmin: boolean;
  /** An audit session of its own, by which audit's rules can name it. */
  readonly auditSession: boolean;
  /** Descriptor of the control page for stamped workloads; −1: none. */
  readonly controlFd: number;
  /** Length of the bare-call canary in calls; 0: none. */
  readonly canaryCalls: number;
  /** Where it runs; absent: where the harness does. */
  readonly directory?: string | undefined;
  /** Or files for standard output and error, made with its credentials; `inherit` is ours. */
  readonly stdio: 'inherit' | 'null' | { readonly out: string; readonly err: string };
}

/** What a helper beside the target is launched with: nobody traces it. */
export function untracedSettings(
  settings: Pick<TargetSettings, 'argv' | 'cpus' | 'user' | 'stdio' | 'directory'>,
): TargetSettings {
  return {
    seccompTrace: null,
    cgroup: false,
    keepSysAdmin: false,
    auditSession: false,
    controlFd: -1,
    canaryCalls: 0,
    ...settings,
  };
}

/** How the target ended. Times are of the whole tree. */
export interface TargetEnd {
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** Gate opened → last exit of the tree. */
  readonly durationNs: number;
  readonly userNs: number;
  readonly systemNs: number;
  readonly maxRssBytes: number;
}

function launcherArguments(s: TargetSettings, group: Guard | null): string[] {
  const args: string[] = [];
  if (s.controlFd >= 0) args.push('--control-fd', String(s.controlFd));
  if (s.cpus !== null) args.push('--cpus', s.cpus.join(','));
  if (s.user !== null) args.push('--user', s.user);
  if (s.seccompTrace !== null) args.push('--seccomp-trace', s.seccompTrace.length ? s.seccompTrace.join(',') : 'all');
  if (group?.where != null) args.push('--cgroup', group.where);
  if (s.keepSysAdmin) args.push('--keep-sys-admin');
  if (s.auditSession) args.push('--audit-session');
  if (s.canaryCalls > 0) args.push('--canary', String(s.canaryCalls));
  if (s.directory !== undefined) args.push('--cwd', s.directory);
  const [input, output, error] =
    typeof s.stdio === 'string' ? [s.stdio, s.stdio, 'inherit'] : ['null', s.stdio.out, s.stdio.err];
  args.push('--stdin', input, '--stdout', output, '--stderr', error);
  return [...args, '--', ...s.argv];
}

function numberOf(message: Record<string, unknown>, field: string): number {
  const value = message[field];
  if (typeof value !== 'number') {
    throw new BackendError('PROTOCOL', 'launcher', 'status', `${field} is missing in ${JSON.stringify(message)}`);
  }
  return value;
}

export class Target {
  readonly pid: number;
  /** null when none was asked for. */
  readonly canaryNsPerCall: number | null;
  readonly #helper: Helper;
  readonly #group: Guard | null;

  private constructor(helper: Helper, group: Guard | null, pid: number, canaryNsPerCall: number | null) {
    this.#helper = helper;
    this.#group = group;
    this.pid = pid;
    this.canaryNsPerCall = canaryNsPerCall;
  }

  /**
   * Resolves when the target stands at the gate. Throws TracebenchError (exit code 2) for a command that cannot be run,
   * BackendError when the launcher does not get there within readyLimitMs; nothing is left of it then.
   */
  static async launch(settings: TargetSettings, readyLimitMs = READY_LIMIT_MS): Promise<Target> {
    const group = settings.cgroup ? await holdCgroup() : null;
    try {
      if (group?.held === false) {
        throw new TracebenchError(EXIT.cannot, `the target cannot have a control group of its own: ${group.reason}`);
      }
      return await Target.#launchIn(group, settings, readyLimitMs);
    } catch (error) {
      await group?.release();
      throw error;
    }
  }

  static async #launchIn(group: Guard | null, settings: TargetSettings, readyLimitMs: number): Promise<Target> {
    const helper = new Helper('tracebench-launch', launcherArguments(settings, group), settings.controlFd);
    const { message: ready, late } = await helper.nextWithin(readyLimitMs);
    if (ready?.['event'] !== 'ready') {
      await helper.end();
      throw late ? launchTimeout(settings, readyLimitMs) : launchFailure(settings, ready);
    }
    const canary = ready['canaryNsPerCall'];
    return new Target(helper, group, numberOf(ready, 'pid'), typeof canary === 'number' ? canary : null);
  }

  /** Opens the gate. */
  start(): void {
    this.#helper.command('g');
  }

  /** SIGKILL to the whole tree. */
  kill(): void {
    this.#helper.command('k');
  }

  /** SIGTERM to the tree's root. */
  terminate(): void {
    this.#helper.command('t');
  }

  /** SIGINT to the tree's root. */
  interrupt(): void {
    this.#helper.command('i');
  }

  /** Resolves after the last exit of the tree. Reaps the launcher. */
  async end(): Promise<TargetEnd> {
    let exitCode: number | null = null;
    let signal: number | null = null;
    for (;;) {
      const message = await this.#helper.next();
      if (message === null) {
        await this.close();
        throw new BackendError(
          'LOST_TARGET',
          'launcher',
          'status',
          'the launcher ended without reporting the target’s end',
        );
      }
      if (message['event'] === 'exec-failed') {
        await this.close();
        throw new TracebenchError(EXIT.usage, `the command could not be executed: ${String(message['message'])}`);
      }
      if (message['event'] === 'exit') {
        exitCode = typeof message['code'] === 'number' ? message['code'] : null;
        signal = typeof message['signal'] === 'number' ? message['signal'] : null;
      }
      if (message['event'] === 'empty') {
        await this.close();
        return {
          exitCode,
          signal,
          durationNs: numberOf(message, 'durationNs'),
          userNs: numberOf(message, 'userNs'),
          systemNs: numberOf(message, 'systemNs'),
          maxRssBytes: numberOf(message, 'maxRssKib') * 1024,
        };
      }
    }
  }

  /** Ends whatever is left of the tree, reaps the launcher, gives the control group back. Idempotent once it has succeeded. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#helper.release();
    await this.#helper.reap();
    this.#closed = true;
    await this.#group?.release();
  }
  #closed = false;
}

function launchTimeout({ argv, user }: TargetSettings, limitMs: number): Error {
  const mend =
    user === null
      ? 'see whether the machine is overloaded (uptime), then run it again'
      : `see whether the user database answers (getent passwd ${user}), then run it again`;
  const what = `the launcher did not bring ${argv[0] ?? ''} to its gate within ${limitMs} ms and was ended`;
  return new BackendError('INTERNAL', 'launcher', 'launch', what, { mend });
}

function launchFailure(settings: TargetSettings, message: Record<string, unknown> | null): Error {
  const command = settings.argv[0] ?? '';
  if (message === null) {
    return new BackendError('INTERNAL', 'launcher', 'launch', `the launcher ended before ${command} was ready`);
  }
  const text = typeof message['message'] === 'string' ? message['message'] : JSON.stringify(message);
  const notFound = message['errno'] === constants.errno.ENOENT;
  const mend = notFound ? 'check the spelling, or give a path' : undefined;
  return new TracebenchError(EXIT.usage, `cannot start ${command}: ${text}`, { mend });
}
