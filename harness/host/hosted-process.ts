/**
 * The runner's half of a process that traces (its own half: hosted.ts): starts it, hands it its request, reads its one
 * answer, and ends it when it must end. The pipe of its standard input stays open: its end is the order to end, given
 * also when we die.
 */
import { execa } from 'execa';
import { type Host, hostCommand, signalHosted } from './host.ts';
import { WITH_ENVIRONMENT } from './hosted.ts';

/** The process ends its target at the request's deadline by itself; so long after that it is ended itself. */
const DEADLINE_GRACE_MS = 20_000;
/** From the end of its standard input, at which it kills its target and detaches, to SIGKILL. */
const KILL_AFTER_MS = 5000;
const STDOUT_MAX = 16 * 1024 * 1024;
const SHOWN_CHARS = 300;

/** The study is being ended; what was asked has no answer. */
export class TrialStopped extends Error {
  override readonly name = 'TrialStopped';
}

/** Which program is started, and as whom. */
export interface HostedProgram {
  readonly entry: string;
  readonly host: Host;
}

/** What came, or why nothing did. `said`: the end of its standard error, for messages. */
export type HostedAnswer =
  | { readonly answered: true; readonly json: unknown; readonly said: string }
  | { readonly answered: false; readonly code: 'DEADLINE' | 'TRIAL_DIED' | 'PROTOCOL'; readonly message: string };

/** Never throws for what goes wrong in the process. Throws TrialStopped when `signal` ended it. */
export async function ask(
  { entry, host }: HostedProgram,
  request: { readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<HostedAnswer> {
  if (signal.aborted) throw new TrialStopped();
  const child = execa(...hostCommand(host, entry, host.invoker === null ? [] : [WITH_ENVIRONMENT]), {
    stdin: 'pipe',
    stripFinalNewline: false,
    maxBuffer: STDOUT_MAX,
    reject: false,
  });
  // A process that died before it read its request: its exit says so, the broken pipe adds nothing.
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(request)}\n`);
  if (host.invoker !== null) child.stdin.write(`${JSON.stringify(process.env)}\n`);

  let timedOut = false;
  let killTimer: NodeJS.Timeout | undefined;
  const end = () => {
    child.stdin.end();
    killTimer ??= setTimeout(() => signalHosted(host, child, 'SIGKILL'), KILL_AFTER_MS);
  };
  const deadline = setTimeout(() => {
    timedOut = true;
    end();
  }, request.deadlineMs + DEADLINE_GRACE_MS);
  signal.addEventListener('abort', end, { once: true });
  const ended = await child;
  clearTimeout(deadline);
  clearTimeout(killTimer);
  signal.removeEventListener('abort', end);
  // A Ctrl-C reaches the process and us at the same time: give our own handler its turn before judging the exit.
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new TrialStopped();

  const said = ended.stderr.trim() === '' ? '' : `; it said: ${tail(ended.stderr.trim())}`;
  if (timedOut) {
    const message = `the trial process was still running ${DEADLINE_GRACE_MS / 1000} s after its deadline${said}`;
    return { answered: false, code: 'DEADLINE', message };
  }
  if (ended.failed) {
    return { answered: false, code: 'TRIAL_DIED', message: `the trial process ${howItEnded(ended)}${said}` };
  }
  const line = oneLine(ended.stdout);
  return 'json' in line
    ? { answered: true, json: line.json, said }
    : { answered: false, code: 'PROTOCOL', message: `${line.wrong}${said}` };
}

interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly shortMessage?: string | undefined;
  readonly isMaxBuffer: boolean;
}

function howItEnded(ended: Ended): string {
  if (ended.isMaxBuffer) return `printed more than ${STDOUT_MAX} bytes`;
  if (ended.signal !== undefined) return `was killed by ${ended.signal}`;
  if (ended.exitCode !== undefined) return `ended with exit code ${ended.exitCode}`;
  return `could not be started: ${ended.shortMessage ?? 'no reason given'}`;
}

/** The one line of JSON, or what is wrong with what came. */
function oneLine(stdout: string): { json: unknown } | { wrong: string } {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const line = lines[0];
  if (line === undefined) return { wrong: 'the trial process printed no result' };
  if (lines.length > 1) {
    return { wrong: `the trial process printed ${lines.length} lines instead of one: ${tail(stdout.trim())}` };
  }
  try {
    return { json: JSON.parse(line) };
  } catch {
    return { wrong: `the trial process printed no JSON: ${tail(line)}` };
  }
}

function tail(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `…${text.slice(-SHOWN_CHARS)}`;
}
