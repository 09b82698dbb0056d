/** The bystander: a process outside the target's tree that nobody traces (native/launcher, tracebench-bystander). */
import { BackendError } from '../errors.ts';
import { Helper } from '../session/helper.ts';
import type { Kind } from './result.ts';

const PROGRAM = 'tracebench-bystander';
const START_LIMIT_MS = 5000;
/** Five blocks of calls behind whoever shares its CPU. */
const READING_LIMIT_MS = 30_000;
const COMMANDS: Readonly<Record<Kind, string>> = { old: 'o', new: 'n' };

export class Bystander {
  readonly #helper: Helper;

  private constructor(helper: Helper) {
    this.#helper = helper;
  }

  /** Resolves once it runs on its CPU; throws BackendError when it does not get there. */
  static async start(cpu: number, callsPerBlock: number): Promise<Bystander> {
    const bystander = new Bystander(new Helper(PROGRAM, [String(cpu), String(callsPerBlock)], -1));
    try {
      await bystander.#answer('ready', START_LIMIT_MS);
      return bystander;
    } catch (error) {
      await bystander.close();
      throw error;
    }
  }

  /** ns per bare call, of this process or of one forked now. */
  async nsPerCall(kind: Kind): Promise<number> {
    this.#helper.command(COMMANDS[kind]);
    const { nsPerCall } = await this.#answer('measured', READING_LIMIT_MS);
    if (typeof nsPerCall === 'number') return nsPerCall;
    throw new BackendError('PROTOCOL', PROGRAM, 'reading', 'its answer has no nsPerCall');
  }

  async #answer(event: string, limitMs: number): Promise<Record<string, unknown>> {
    const { message, late } = await this.#helper.nextWithin(limitMs);
    if (message?.['event'] === event) return message;
    const what = late ? `no answer within ${limitMs} ms` : message === null ? 'it ended' : JSON.stringify(message);
    throw new BackendError('INTERNAL', PROGRAM, event, what);
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#helper.end();
  }
  #closed = false;
}
