/**
 * How the processes that trace are started: as this user when root, or when root is not to be had; else through
 * `sudo -n`. Only they are elevated: files and targets stay this user's.
 */
import { readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { execa } from 'execa';
import { readProcess } from '../machine/proc-files.ts';

/** sudo may ask a directory service; without -n it would ask a person. */
const SUDO_TIMEOUT_MS = 10_000;

export interface Host {
  /** Words before the program's own; none when it runs as this user. */
  readonly prefix: readonly string[];
  /** This user, as `--user` takes it, when the processes that trace are somebody else; null when they are not. */
  readonly invoker: string | null;
}

export const OWN_HOST: Host = { prefix: [], invoker: null };

/**
 * sudo is asked for the very program it would have to start: a rule may allow less than everything.
 * TRACEBENCH_NO_SUDO (anything but empty and 0) says no for it.
 */
export async function findHost(uid: number = process.getuid?.() ?? 0): Promise<Host> {
  const forbidden = (process.env['TRACEBENCH_NO_SUDO'] ?? '0') || '0';
  if (uid === 0 || forbidden !== '0') return OWN_HOST;
  const host = { prefix: ['sudo', '-n', '--'], invoker: invokerName(uid) };
  const asked = await execa(...through(host, process.execPath, ['--version']), {
    reject: false,
    stdin: 'ignore',
    timeout: SUDO_TIMEOUT_MS,
  });
  return asked.failed ? OWN_HOST : host;
}

/** By name where there is one: only names have supplementary groups. */
function invokerName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in the user database, as in many containers.
    return `${uid}:${process.getgid?.() ?? uid}`;
  }
}

/** The words that start `node program …` there. */
export function hostCommand(host: Host, program: string, args: readonly string[]): [string, string[]] {
  return through(host, process.execPath, [program, ...args]);
}

function through({ prefix }: Host, file: string, args: readonly string[]): [string, string[]] {
  const [first, ...rest] = prefix;
  return first === undefined ? [file, [...args]] : [first, [...rest, file, ...args]];
}

/**
 * A signal to a process started there: root's take it from root alone. sudo passes signals on, but for SIGKILL, which
 * therefore goes to all that descends from it.
 */
export async function signalHosted(
  host: Host,
  child: { readonly pid?: number | undefined },
  signal: NodeJS.Signals,
): Promise<void> {
  if (child.pid === undefined) return;
  const pids = signal === 'SIGKILL' ? [child.pid, ...descendants(child.pid)] : [child.pid];
  if (host.invoker === null) {
    for (const pid of pids) signalOwn(pid, signal);
    return;
  }
  // The shell's own: a small system has no program of that name.
  const words = ['-c', 'kill -s "$0" "$@"', signal.slice('SIG'.length), ...pids.map(String)];
  await execa(...through(host, '/bin/sh', words), { reject: false, stdin: 'ignore', timeout: SUDO_TIMEOUT_MS });
}

function signalOwn(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? (readProcess(Number(name))?.ppid ?? null) : null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [...(children.get(root) ?? [])];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}
