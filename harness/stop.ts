/**
 * When a study must end early: a signal, or the death of the process that started it (npm dies on SIGTERM without
 * telling its child, and on SIGKILL it cannot).
 */
import { EXIT } from './errors.ts';

export interface StopReason {
  readonly exitCode: number;
  /** For people: what ended the study. */
  readonly text: string;
}

const SIGNALS: Readonly<Record<'SIGINT' | 'SIGTERM' | 'SIGHUP', StopReason>> = {
  SIGINT: { exitCode: EXIT.interrupted, text: 'interrupted (SIGINT)' },
  SIGTERM: { exitCode: EXIT.terminated, text: 'terminated (SIGTERM)' },
  SIGHUP: { exitCode: 129, text: 'the terminal was closed (SIGHUP)' },
};
const PARENT_GONE: StopReason = { exitCode: EXIT.terminated, text: 'the process that started it has died' };
const PARENT_POLL_MS = 1000;
/** A wrapper may forward what the terminal has already delivered: within this time it is the same request. */
const SAME_REQUEST_MS = 500;

export interface StopWatch {
  /** Aborted once, with a StopReason as its reason. */
  readonly signal: AbortSignal;
  /** null while nothing asked for an end. */
  reason(): StopReason | null;
  /** Gives the signals back to their default action. */
  dispose(): void;
}

/** `impatient` is called at a second signal: whoever presses Ctrl-C twice wants the end at once. */
export function watchForStop(impatient: (reason: StopReason) => void): StopWatch {
  const controller = new AbortController();
  let reason: StopReason | null = null;
  let stoppedAt = 0;
  const stop = (next: StopReason) => {
    if (reason === null) {
      reason = next;
      stoppedAt = Date.now();
      controller.abort(next);
    } else if (Date.now() - stoppedAt >= SAME_REQUEST_MS) {
      impatient(next);
    }
  };
  const onSignal = (name: NodeJS.Signals) => stop(SIGNALS[name as keyof typeof SIGNALS]);
  for (const name of Object.keys(SIGNALS)) process.on(name, onSignal);

  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop(PARENT_GONE);
  }, PARENT_POLL_MS);
  timer.unref();

  return {
    signal: controller.signal,
    reason: () => reason,
    dispose() {
      clearInterval(timer);
      for (const name of Object.keys(SIGNALS)) process.off(name, onSignal);
    },
  };
}
