/**
 * Loads a server from outside the traced tree: waits until it accepts, runs the generator to its end, asks the server to end.
 * The generator stands under a launcher of its own, so it dies with this process as the target does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, TracebenchError } from '../errors.ts';
import { Target, type TargetSettings } from '../session/target.ts';
import { type Address, listens } from './listening.ts';

const READY_LIMIT_MS = 20_000;
const READY_POLL_MS = 2;
/** Far above what any generator of the catalogue takes under the slowest tracer. */
const LOAD_LIMIT_MS = 120_000;
const END_LIMIT_MS = 10_000;
/** A generator that fails because its server died may be heard of first. */
const LAST_WORD_MS = 200;

const TAKEN = 'run it again: somebody else may have taken that';

export interface LoadSettings {
  /** Of the server, for messages. */
  readonly name: string;
  readonly address: Address;
  readonly generator: TargetSettings;
}

function failure(message: string, mend?: string): TracebenchError {
  return new TracebenchError(EXIT.runError, message, { mend });
}

/** Throws TracebenchError when the server does not come up, dies under the load or does not end, or the generator fails. */
export async function loadServer(server: Target, gone: AbortSignal, settings: LoadSettings): Promise<void> {
  const { name, address, generator } = settings;
  await accepting(name, server, address, gone);
  await generate(name, generator, gone);
  server.terminate();
  if (!(await within(gone, END_LIMIT_MS))) throw failure(`${name} still ran ${END_LIMIT_MS} ms after SIGTERM`);
}

async function accepting(name: string, server: Target, address: Address, gone: AbortSignal): Promise<void> {
  const where = 'path' in address ? address.path : `127.0.0.1:${address.port}`;
  const limit = Date.now() + READY_LIMIT_MS;
  while (!listens(server.pid, address)) {
    if (gone.aborted) throw failure(`${name} ended before it accepted at ${where}`, TAKEN);
    if (Date.now() > limit) throw failure(`${name} did not accept at ${where} within ${READY_LIMIT_MS} ms`, TAKEN);
    await sleep(READY_POLL_MS);
  }
}

async function generate(name: string, settings: TargetSettings, gone: AbortSignal): Promise<void> {
  const generator = await Target.launch(settings);
  const program = settings.argv[0] ?? '';
  const kill = (): void => generator.kill();
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    kill();
  }, LOAD_LIMIT_MS);
  gone.addEventListener('abort', kill, { once: true });
  try {
    if (gone.aborted) throw failure(`${name} ended before the load`);
    generator.start();
    const { exitCode, signal } = await generator.end();
    if (late) throw failure(`${program} was not done with ${name} after ${LOAD_LIMIT_MS} ms`);
    if (gone.aborted || (exitCode !== 0 && (await within(gone, LAST_WORD_MS)))) {
      throw failure(`${name} ended under the load`);
    }
    if (exitCode !== 0) {
      throw failure(
        `${program} failed to load ${name}: ${signal === null ? `exit code ${exitCode}` : `signal ${signal}`}`,
      );
    }
  } finally {
    clearTimeout(limit);
    gone.removeEventListener('abort', kill);
    await generator.close();
  }
}

/** Whether it was aborted within limitMs. */
async function within(signal: AbortSignal, limitMs: number): Promise<boolean> {
  if (!signal.aborted) await sleep(limitMs, undefined, { signal }).catch(() => {});
  return signal.aborted;
}
