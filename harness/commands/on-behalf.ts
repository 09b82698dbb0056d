/**
 * The whole command line once more, as root on behalf of this user: for commands whose own process traces (`trace`) or
 * looks where only root may (`doctor --state`). The files they write and the targets they start stay this user's.
 *
 * sudo empties the environment and closes descriptors, so what must reach the other side lies in a file that only this
 * user can read and that the other side removes at once.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { EXIT, TracebenchError } from '../errors.ts';
import { type Host, hostCommand, signalHosted } from '../host/host.ts';
import { takeEnvironment } from '../host/hosted.ts';
import { distDir } from '../paths.ts';

/** First argument of the command line that is run so; the second is the file. Not for people. */
export const ON_BEHALF = '--on-behalf';

const ASKER_POLL_MS = 500;

const letterSchema = z.object({
  argv: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  user: z.string(),
  uid: z.number().int(),
  gid: z.number().int(),
  askerPid: z.number().int(),
});

/** Who asked for a command that runs as root. */
export interface Behalf {
  /** As --user takes it. */
  readonly user: string;
  /** Runs `open` with that user's rights, so that a file it makes is theirs and one it may not write stays whole. */
  as<T>(open: () => T): T;
}

/** Runs the command there with our standard streams; its exit code. */
export async function runOnBehalf(host: Host, argv: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tracebench-'));
  try {
    const letter = join(folder, 'letter');
    const { getuid, getgid } = process as Required<typeof process>;
    const text: z.infer<typeof letterSchema> = {
      argv: [...argv],
      environment: { ...process.env } as Record<string, string>,
      user: host.invoker ?? '',
      uid: getuid(),
      gid: getgid(),
      askerPid: process.pid,
    };
    writeFileSync(letter, JSON.stringify(text), { mode: 0o600, flag: 'wx' });
    const child = execa(...hostCommand(host, join(distDir, 'harness', 'cli.js'), [ON_BEHALF, letter]), {
      stdio: 'inherit',
      reject: false,
    });
    // A terminal tells both; a kill tells only us, and root's processes do not hear us.
    const pass = (signal: NodeJS.Signals): void => void signalHosted(host, child, signal);
    const hold = (): void => {};
    process.on('SIGINT', hold).on('SIGTERM', pass).on('SIGHUP', pass);
    const ended = await child;
    process.off('SIGINT', hold).off('SIGTERM', pass).off('SIGHUP', pass);
    if (ended.exitCode !== undefined) return ended.exitCode;
    throw new TracebenchError(EXIT.runError, `through sudo: ${ended.shortMessage ?? 'it ended without an exit code'}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The other side: takes the letter's place. Ends the process when the one that asked is gone. */
export function readLetter(path: string): { argv: string[]; behalf: Behalf } {
  const letter = letterSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  rmSync(dirname(path), { recursive: true, force: true });
  takeEnvironment(letter.environment);
  watchAsker(letter.askerPid);
  return { argv: letter.argv, behalf: { user: letter.user, as: (open) => withIds(letter.uid, letter.gid, open) } };
}

/** A SIGKILL of the one that asked reaches nobody else: we then end as after a SIGTERM, target and all. */
function watchAsker(pid: number): void {
  const timer = setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      clearInterval(timer);
      process.kill(process.pid, 'SIGTERM');
    }
  }, ASKER_POLL_MS);
  timer.unref();
}

function withIds<T>(uid: number, gid: number, open: () => T): T {
  const p = process as Required<typeof process>;
  const [ownUid, ownGid] = [p.geteuid(), p.getegid()];
  p.setegid(gid);
  p.seteuid(uid);
  try {
    return open();
  } finally {
    p.seteuid(ownUid);
    p.setegid(ownGid);
  }
}
