/** All records of one collector in the order they were delivered, kept for comparing: 96 bytes each, up to a bound. */
import { EventBatch, type EventRecord, RECORD_BYTES } from '../event.ts';

const FIRST_RECORDS = 4096;

export class Recording {
  readonly #most: number;
  #bytes: Uint8Array = new Uint8Array(FIRST_RECORDS * RECORD_BYTES);
  #count = 0;
  #left = 0;

  /** Keeps the first `most` records. */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  /** Records beyond the bound, which were not kept. */
  get leftOut(): number {
    return this.#left;
  }

  /** Copies; the batch may go back. */
  append(batch: EventBatch): void {
    const taken = Math.min(batch.count, this.#most - this.#count);
    this.#left += batch.count - taken;
    this.#reserve(this.#count + taken);
    const from = new Uint8Array(batch.u32.buffer, batch.u32.byteOffset, taken * RECORD_BYTES);
    this.#bytes.set(from, this.#count * RECORD_BYTES);
    this.#count += taken;
  }

  /** The records as one batch. */
  all(): EventBatch {
    return new EventBatch(this.#bytes.buffer as ArrayBuffer, 0, this.#count, 0n);
  }

  at(index: number): EventRecord {
    return this.all().at(index);
  }

  #reserve(records: number): void {
    const have = this.#bytes.length / RECORD_BYTES;
    if (records <= have) return;
    const grown = new Uint8Array(Math.min(Math.max(records, 2 * have), this.#most) * RECORD_BYTES);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
