/** `tracebench profile`: the load of a real system, as the planner takes it. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { profileBurst, renderProfile } from '../../reports/profile.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import type { Running } from '../backend.ts';
import { cannotError, EXIT, usageError } from '../errors.ts';
import { findHost } from '../host/host.ts';
import { readEnvironment } from '../machine/environment.ts';
import { PROFILE_FILE } from '../profile/file.ts';
import { type Recording, recordCommand, recordRunning } from '../profile/record.ts';
import type { ProfileTarget } from '../profile/result.ts';
import { checkCgroup, checkProcess } from '../profile/running.ts';
import { summariseProfile } from '../profile/summarise.ts';
import { parseCount, parseDurationMs } from '../quantity.ts';
import { COUNTER } from '../reference/roles.ts';
import { probeVariant } from '../session/probe.ts';
import type { Meter } from '../session/session.ts';
import { watchForStop } from '../stop.ts';
import { checkOutputFolder, newStudyDir } from '../study/study-files.ts';
import { NATIVE_ARCH, syscallName } from '../syscalls/index.ts';
import { checkCommand, checkUser } from './check-target.ts';
import { type CommandContext, type Finish, resultsDir, shownPath } from './context.ts';
import { runOnBehalf } from './on-behalf.ts';

const WINDOW_MS = 1;
const FOR_MS = 10_000;
/** Four minutes of windows of 1 ms; some 3 MB of profile.json. */
const WINDOWS_MOST = 2 ** 18;

interface Asked {
  readonly running: Running | null;
  /** null: as long as the command runs. */
  readonly forMs: number | null;
  readonly windowMs: number;
  readonly user: string | undefined;
  readonly out: string | undefined;
}

export function profileCommand(context: () => CommandContext, finish: Finish) {
  return new Command('profile')
    .summary('rate, mix and bursts of a real system: what capacity --plan takes as --profile')
    .usage('[options] -- CMD … | --pid N | --cgroup PATH')
    .description(
      `Counts the system calls of one target through ${COUNTER}, which adds the least to a call, and reads the count at every ` +
        'window. Nothing else on the machine is counted. A process is followed with its threads, with what has grown from it by ' +
        'then and with what will; a control group (version 2) with whoever is in it or below at each call.',
    )
    .option('--pid <n>', 'a process that runs already', (text) => parseCount(text, '--pid', 1))
    .option('--cgroup <path>', 'a control group: its folder, or its path in the hierarchy')
    .option('--for <time>', 'recorded (default: 10s; a command: to its end, else it is killed then)', (text) =>
      parseDurationMs(text, '--for'),
    )
    .option('--window <time>', 'the finest that is looked at', (text) => parseDurationMs(text, '--window'), WINDOW_MS)
    .option('--user <name>', 'credentials of the command')
    .option('--out <dir>', 'new folder for profile.json (default: results/TIME-profile)')
    .action(async ({ pid, cgroup, for: forMs, window: windowMs, user, out }) => {
      const around = context();
      const asked: Asked = {
        running: runningTarget(pid, cgroup, around.rest),
        forMs: forMs ?? (around.rest === null ? FOR_MS : null),
        windowMs,
        user,
        out,
      };
      if ((asked.forMs ?? 0) / windowMs > WINDOWS_MOST) {
        throw usageError(
          `${asked.forMs} ms in windows of ${windowMs} ms are more than the ${WINDOWS_MOST} that are kept`,
          `--window ${Math.ceil((asked.forMs ?? 0) / WINDOWS_MOST)}ms`,
        );
      }
      if (asked.running !== null && user !== undefined) {
        throw usageError('--user is for a command, and what runs already has its own', 'leave --user out');
      }
      finish(await profile(asked, around));
    });
}

function runningTarget(pid: number | undefined, cgroup: string | undefined, rest: readonly string[] | null) {
  const given = [pid, cgroup, rest ?? undefined].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw usageError(
      given === 0 ? 'there is nothing to profile' : 'a command, --pid and --cgroup each name what is profiled',
      './tracebench profile -- CMD, or --pid N, or --cgroup PATH',
    );
  }
  if (rest !== null) checkCommand(rest);
  return pid !== undefined ? { pid } : cgroup !== undefined ? { cgroup: checkCgroup(cgroup) } : null;
}

async function profile(asked: Asked, around: CommandContext): Promise<number> {
  const { running, forMs, windowMs, out } = asked;
  const name = running !== null && 'pid' in running ? checkProcess(running.pid) : '';
  if (out !== undefined) checkOutputFolder(out);
  const host = await findHost();
  if (asked.user !== undefined) await checkUser(asked.user, host);
  const probed = await probeVariant(COUNTER);
  if (probed.answer !== 'yes') {
    if (host.invoker !== null) return runOnBehalf(host, around.argv);
    throw cannotError(`profiling needs ${COUNTER}, which cannot run here: ${probed.reason}`, probed.mend ?? undefined);
  }

  const say = (text: string): void => {
    if (!around.quiet) process.stderr.write(`${text}\n`);
  };
  const meter: Meter = { windowNs: windowMs * 1e6, readingsMost: WINDOWS_MOST + 1 };
  const startedAt = new Date();
  // Told twice to stop: the recording is already being ended, there is nothing quicker.
  const stop = watchForStop(() => undefined);
  let recording: Recording;
  try {
    if (running === null) {
      recording = await recordCommand({
        argv: around.rest ?? [],
        user: asked.user ?? around.behalf?.user ?? null,
        // Standard output is the document's.
        stdio: around.json ? 'null' : 'inherit',
        meter,
        forMs,
        signal: stop.signal,
      });
    } else {
      const limit = forMs ?? FOR_MS;
      const onStarted = (): void => say(`counting for ${limit / 1000} s …`);
      recording = await recordRunning({ running, meter, forMs: limit, onStarted, signal: stop.signal });
    }
  } finally {
    stop.dispose();
  }

  const stopped = recording.ended === 'stopped' ? stop.reason() : null;
  const document = summariseProfile({
    startedAt: startedAt.toISOString(),
    environment: await readEnvironment(),
    target: targetOf(running, name, around.rest ?? [], recording),
    windowMs,
    recording,
    endedText: stopped?.text ?? null,
    nameOf: (nr) => syscallName(NATIVE_ARCH, nr),
  });
  const text = `${JSON.stringify(document)}\n`;
  const write = (): string => {
    const dir = out === undefined ? newStudyDir(resultsDir, startedAt, 'profile') : resolve(out);
    mkdirSync(dir, { recursive: true });
    writeFileAtomic(join(dir, PROFILE_FILE), text);
    return dir;
  };
  const dir = around.behalf === null ? write() : around.behalf.as(write);
  if (around.json) await around.print(text);
  else await around.print(renderProfile(document));
  const burst = profileBurst(document);
  say(
    `\nfile: ${shownPath(join(dir, PROFILE_FILE))}\nplan with it: ./tracebench capacity --plan DIR --profile ${shownPath(dir)}` +
      `, which is --rate ${Math.max(1, Math.round(document.meanPerS))}${burst === null ? '' : ` --burst ${burst}`}`,
  );
  if (stopped !== null) return stopped.exitCode;
  const { end, ended } = recording;
  if (end === null || ended === 'time') return EXIT.ok;
  return end.signal === null ? (end.exitCode ?? EXIT.runError) : 128 + end.signal;
}

function targetOf(running: Running | null, name: string, argv: readonly string[], { end }: Recording): ProfileTarget {
  if (running === null) {
    return { kind: 'command', argv: [...argv], exitCode: end?.exitCode ?? null, signal: end?.signal ?? null };
  }
  return 'pid' in running ? { kind: 'process', pid: running.pid, name } : { kind: 'cgroup', path: running.cgroup };
}
