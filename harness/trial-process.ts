/**
 * One trial in a process of its own: `node trial.js` reads the specification from its standard input and prints one
 * line, the result. The pipe of its standard input stays open: its end is the order to end, given also when we die.
 */
import { execa } from 'execa';
import { z } from 'zod';
import { type Host, hostCommand, signalHosted } from './host.ts';
import { type FailedTrial, RESULT_VERSION, type TrialResult, type TrialSpec, trialResultSchema } from './result.ts';
import { WITH_ENVIRONMENT } from './trial-environment.ts';

/** The trial ends its target at spec.deadlineMs by itself; so long after that it is ended itself. */
const DEADLINE_GRACE_MS = 20_000;
/** From the end of its standard input, at which a trial kills its target and detaches, to SIGKILL. */
const KILL_AFTER_MS = 5000;
const STDOUT_MAX = 16 * 1024 * 1024;
const SHOWN_CHARS = 300;

/** The study is being ended; this trial has no result. */
export class TrialStopped extends Error {
  override readonly name = 'TrialStopped';
}

/** Which program runs one trial, and as whom. */
export interface TrialProgram {
  readonly entry: string;
  readonly host: Host;
}

/**
 * Never throws for what goes wrong in a trial: that is a failed trial, which names it.
 * Throws TrialStopped when `signal` ended it.
 */
export async function runTrial(program: TrialProgram, spec: TrialSpec, signal: AbortSignal): Promise<TrialResult> {
  if (signal.aborted) throw new TrialStopped();
  const { entry, host } = program;
  const startedAt = new Date();
  const child = execa(...hostCommand(host, entry, host.invoker === null ? [] : [WITH_ENVIRONMENT]), {
    stdin: 'pipe',
    stripFinalNewline: false,
    maxBuffer: STDOUT_MAX,
    reject: false,
  });
  // A trial that died before it read its specification: its exit says so, the broken pipe adds nothing.
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(spec)}\n`);
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
  }, spec.deadlineMs + DEADLINE_GRACE_MS);
  signal.addEventListener('abort', end, { once: true });
  const ended = await child;
  clearTimeout(deadline);
  clearTimeout(killTimer);
  signal.removeEventListener('abort', end);
  // A Ctrl-C reaches the trial and us at the same time: give our own handler its turn before judging the exit.
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new TrialStopped();

  const failed = (code: string, message: string, mend: string | null = null): FailedTrial => ({
    version: RESULT_VERSION,
    spec,
    startedAt: startedAt.toISOString(),
    wallMs: Date.now() - startedAt.getTime(),
    status: 'failed',
    error: { code, message, mend },
  });
  const said = ended.stderr.trim() === '' ? '' : `; it said: ${tail(ended.stderr.trim())}`;
  if (timedOut) {
    return failed(
      'DEADLINE',
      `the trial process was still running ${DEADLINE_GRACE_MS / 1000} s after its deadline${said}`,
    );
  }
  if (ended.failed) return failed('TRIAL_DIED', `the trial process ${howItEnded(ended)}${said}`);
  const answer = parseAnswer(ended.stdout, spec);
  return typeof answer === 'string' ? failed('PROTOCOL', `${answer}${said}`) : answer;
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

/** The result, or what is wrong with what came. */
function parseAnswer(stdout: string, spec: TrialSpec): TrialResult | string {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const line = lines[0];
  if (line === undefined) return 'the trial process printed no result';
  if (lines.length > 1) return `the trial process printed ${lines.length} lines instead of one: ${tail(stdout.trim())}`;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return `the trial process printed no JSON: ${tail(line)}`;
  }
  const parsed = trialResultSchema.safeParse(json);
  if (!parsed.success) return `the trial process printed something that is no result: ${z.prettifyError(parsed.error)}`;
  const result = parsed.data;
  if (result.spec.trialId !== spec.trialId) {
    return `the trial process answered for ${result.spec.trialId} instead of ${spec.trialId}`;
  }
  const durationNs = measuredNs(result);
  if (durationNs !== null && !(durationNs > 0)) return `the trial's section lasted ${durationNs} ns`;
  return result;
}

/** What the study compares: the section, or the whole run of a command. null for a failed trial. */
export function measuredNs(result: TrialResult): number | null {
  if (result.status === 'failed') return null;
  return result.section?.durationNs ?? result.run.durationNs;
}

function tail(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `…${text.slice(-SHOWN_CHARS)}`;
}
