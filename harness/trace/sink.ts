/** Where a trace is written: a file, or one of our own standard streams. Synchronous, so that order is kept. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { EXIT, TracebenchError, usageError } from '../errors.ts';

const RETRY_MS = 1;

export class Sink {
  readonly #fd: number;
  readonly #name: string;
  readonly #owned: boolean;
  #readerGone = false;

  private constructor(fd: number, name: string, owned: boolean) {
    this.#fd = fd;
    this.#name = name;
    this.#owned = owned;
  }

  /** Truncates. Throws a usage error when the file cannot be written. */
  static file(path: string): Sink {
    try {
      return new Sink(openSync(path, 'w'), path, true);
    } catch (cause) {
      throw usageError(`cannot write ${path}: ${(cause as Error).message}`, 'give -o a path that can be written');
    }
  }

  static stdout(): Sink {
    return new Sink(1, 'standard output', false);
  }

  static stderr(): Sink {
    return new Sink(2, 'standard error', false);
  }

  /**
   * Writes all of it. A reader that went away (`| head`) ends the writing silently; anything else throws, and what
   * was written so far lacks its closing line.
   */
  write(text: string): void {
    const bytes = Buffer.from(text);
    let at = 0;
    while (at < bytes.length && !this.#readerGone) {
      try {
        at += writeSync(this.#fd, bytes, at);
      } catch (cause) {
        const { code, message } = cause as NodeJS.ErrnoException;
        if (code === 'EAGAIN') {
          // A pipe that somebody made non-blocking: its reader needs a moment. The records wait in their slabs.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
        } else if (code === 'EPIPE') {
          this.#readerGone = true;
        } else {
          throw new TracebenchError(EXIT.runError, `cannot write the trace to ${this.#name}: ${message}`, {
            cause,
            mend: 'what was written is incomplete: make room, or write elsewhere with -o FILE',
          });
        }
      }
    }
  }

  close(): void {
    if (this.#owned) closeSync(this.#fd);
  }
}
