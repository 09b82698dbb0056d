/**
 * The child's half of a process that traces, whatever exactly it is asked for (trial.ts, joint-trial.ts, bystander-trial.ts).
 *
 * Standard input: one request as a line of JSON; with `--environment` a second line, the environment of the target,
 * for a process that runs as another user than the runner. Afterwards the stream is the life line: its end is the order
 * to end, or means that the runner is gone. Standard output: one answer as a line of JSON. Exit code 0 when an answer
 * was printed, whatever it says; 1 when none could be.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { BackendError, EXIT, TracebenchError } from '../errors.ts';

/** Told to a process that does not run as the runner: the second line it reads is the environment. */
export const WITH_ENVIRONMENT = '--environment';

/** Puts it in place of our own, which is what targets inherit: sudo empties it. Before the addon is loaded. */
export function takeEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
}

export interface Service<Request extends { readonly deadlineMs: number }> {
  /** For messages on standard error. */
  readonly name: string;
  /** The signal is aborted, with an error as its reason, when the runner, a person or the deadline ends it. */
  answer(request: Request, signal: AbortSignal): Promise<unknown>;
}

/** Resolves with the exit code; never rejects. */
export async function serve<Request extends { readonly deadlineMs: number }>(
  service: Service<Request>,
): Promise<number> {
  try {
    return await serveOne(service);
  } catch (error) {
    process.stderr.write(
      `${service.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

async function serveOne<Request extends { readonly deadlineMs: number }>(service: Service<Request>): Promise<number> {
  const abort = new AbortController();
  const wanted = process.argv.includes(WITH_ENVIRONMENT) ? 2 : 1;
  const lines = createInterface({ input: process.stdin });
  const [first, second] = await new Promise<string[]>((resolve) => {
    const read: string[] = [];
    lines.on('line', (line) => {
      if (read.push(line) === wanted) resolve(read);
    });
    lines.once('close', () => {
      resolve([]);
      abort.abort(new TracebenchError(EXIT.terminated, 'the runner ended it, or is gone'));
    });
  });
  if (first === undefined) {
    process.stderr.write(`${service.name}: no request on standard input\n`);
    return 1;
  }
  if (second !== undefined) takeEnvironment(JSON.parse(second));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => abort.abort(new TracebenchError(EXIT.terminated, `ended by ${name}`)));
  }
  // Checked by who asks (trial-process.ts, joint-process.ts): a schema would be a third of this process's start.
  const request = JSON.parse(first) as Request;
  const { deadlineMs } = request;
  const deadline = setTimeout(
    () => abort.abort(new TracebenchError(EXIT.runError, `the target outlived its deadline of ${deadlineMs} ms`)),
    deadlineMs,
  );
  const answer = await service.answer(request, abort.signal);
  clearTimeout(deadline);
  writeSync(1, `${JSON.stringify(answer)}\n`);
  return 0;
}

/** What a result says of the error that ended it. */
export function failureOf(error: unknown): { code: string; message: string; mend: string | null } {
  if (error instanceof BackendError) return { code: error.code, message: error.message, mend: error.mend ?? null };
  if (error instanceof TracebenchError) {
    return { code: `EXIT_${error.exitCode}`, message: error.message, mend: error.mend ?? null };
  }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    mend: null,
  };
}
