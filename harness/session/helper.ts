/**
 * A native helper process (launcher or guard): a command pipe to it, newline-delimited JSON from it.
 *
 * Not through child_process: while a ptrace session runs, libuv must have no SIGCHLD handler and reap nobody.
 * End-of-file on the command pipe is the helper's order to clean up, so it is given even when this process is killed.
 */
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { native } from '../../native/index.ts';
import { BackendError } from '../errors.ts';
import { binDir } from '../paths.ts';

const REAP_POLL_MS = 2;
const REAP_LIMIT_MS = 5000;

/** Its exit code, or the signal that killed it. */
export interface HelperEnd {
  readonly code: number | null;
  readonly signal: number | null;
}

export class Helper {
  readonly name: string;
  readonly pid: number;
  #commandFd: number | null;
  readonly #lines: AsyncIterableIterator<string>;
  #ended: HelperEnd | null = null;

  /** Starts build/bin/<name>. Throws when it cannot be started. controlFd −1: none. */
  constructor(name: string, args: readonly string[], controlFd: number) {
    const path = join(binDir, name);
    const spawned = native().spawn(path, [name, ...args], controlFd);
    this.name = name;
    this.pid = spawned.pid;
    this.#commandFd = spawned.commandFd;
    const socket = new Socket({ fd: spawned.statusFd, readable: true, writable: false });
    this.#lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  }

  /** The helper's next message; null when it has closed its status pipe. Throws on what is not JSON; the helper is ended then. */
  async next(): Promise<Record<string, unknown> | null> {
    const { value, done } = await this.#lines.next();
    if (done) return null;
    try {
      return JSON.parse(value) as Record<string, unknown>;
    } catch (cause) {
      await this.end();
      throw new BackendError('PROTOCOL', this.name, 'status', `not a status line: ${value}`, { cause });
    }
  }

  /** As next, but null also when nothing has come within limitMs: `late` is true then. */
  async nextWithin(limitMs: number): Promise<{ message: Record<string, unknown> | null; late: boolean }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<{ message: null; late: true }>((resolve) => {
      timer = setTimeout(() => resolve({ message: null, late: true }), limitMs);
    });
    try {
      return await Promise.race([this.next().then((message) => ({ message, late: false })), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** One command letter. A helper that is gone is not an error here: its status pipe tells. */
  command(letter: string): void {
    if (this.#commandFd === null) return;
    try {
      writeSync(this.#commandFd, letter);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }

  /** End-of-file: the helper restores or kills what it holds. Idempotent. */
  release(): void {
    if (this.#commandFd === null) return;
    closeSync(this.#commandFd);
    this.#commandFd = null;
  }

  /** Ends a helper that did not answer: end-of-file, and SIGKILL when that is not heard. Reaps it. Idempotent. */
  async end(): Promise<void> {
    this.release();
    try {
      await this.reap();
    } catch {
      process.kill(this.pid, 'SIGKILL');
      await this.reap();
    }
  }

  /** Waits for the process's exit (after release or its own end) and reaps it. Bounded. Its number may be another's afterwards. */
  async reap(): Promise<HelperEnd> {
    const limit = Date.now() + REAP_LIMIT_MS;
    for (;;) {
      this.#ended ??= native().reap(this.pid);
      if (this.#ended !== null) return this.#ended;
      if (Date.now() > limit) {
        throw new BackendError(
          'INTERNAL',
          this.name,
          'reap',
          `process ${this.pid} still runs ${REAP_LIMIT_MS} ms later`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, REAP_POLL_MS));
    }
  }
}
