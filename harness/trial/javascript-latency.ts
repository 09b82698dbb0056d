/**
 * Time to JavaScript: from the stamp to the moment this thread reads the record out of its batch. A distribution of
 * its own, never mixed with the drain's. Counts from START on,
 * as the ledger does.
 */
import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { type ControlHandle, native } from '../../native/index.ts';
import { type EventBatch, KIND, RECORD_BYTES, RECORD_OFFSETS } from '../event.ts';
import type { Latency } from '../result.ts';

const WORDS = RECORD_BYTES / 4;
const ARGS_WORD = RECORD_OFFSETS.args / 4;
const TIME_UNIT_NS = 16;
/** Stamp times are 32 bits of 16 ns units; half the wrap is ambiguous. */
const WRAP = 2 ** 32;
/** START's first register, TB_MARK_0 of native/include/control.h, as two words. */
const MARK_LOW = 0x656d6172;
const MARK_HIGH = 0x74726163;

export class JavaScriptLatency {
  readonly #control: ControlHandle;
  /** Stamp register by system call number; null until the workload has declared its calls. */
  #stampArg: Map<number, number> | null = null;
  readonly #histogram: Histogram = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 100e9,
    numberOfSignificantValueDigits: 3,
  });
  #minNs = Number.POSITIVE_INFINITY;
  #maxNs = 0;
  #ambiguous = 0;
  #started = false;

  constructor(control: ControlHandle) {
    this.#control = control;
  }

  #stampArgs(): Map<number, number> {
    if (this.#stampArg === null) {
      const { kinds } = native().readControl(this.#control);
      const stamped = new Map(kinds.filter((k) => k.class === 'stamped').map((k) => [k.nr, k.stampArg]));
      if (stamped.size === 0) return stamped;
      this.#stampArg = stamped;
    }
    return this.#stampArg;
  }

  take(batch: EventBatch): void {
    const stampArgs = this.#stampArgs();
    const nowUnits = Math.floor(native().monotonicNs() / TIME_UNIT_NS) % WRAP;
    const u32 = batch.u32;
    for (let i = 0; i < batch.count; i++) {
      const w = i * WORDS;
      if (u32[w + ARGS_WORD] === MARK_LOW && u32[w + ARGS_WORD + 1] === MARK_HIGH) {
        this.#started = true;
        continue;
      }
      if (!this.#started) continue;
      const kind = ((u32[w + RECORD_OFFSETS.cpu / 4] as number) >>> 16) & 0xff;
      const arg = stampArgs.get(u32[w + RECORD_OFFSETS.nr / 4] as number);
      if (kind !== KIND.call || arg === undefined) continue;
      const sentUnits = u32[w + ARGS_WORD + 2 * arg] as number;
      const units = (nowUnits - sentUnits + WRAP) % WRAP;
      if (units >= WRAP / 2) {
        this.#ambiguous++;
        continue;
      }
      const ns = units * TIME_UNIT_NS;
      this.#minNs = Math.min(this.#minNs, ns);
      this.#maxNs = Math.max(this.#maxNs, ns);
      this.#histogram.recordValue(Math.max(1, ns));
    }
  }

  /** null when nothing stamped arrived. */
  result(detail: 'enter' | 'full' | null): Latency | null {
    const h = this.#histogram;
    if (h.totalCount === 0 || detail === null) return null;
    return {
      histogram: encodeIntoCompressedBase64(h),
      count: h.totalCount,
      minNs: this.#minNs,
      p50Ns: h.getValueAtPercentile(50),
      p90Ns: h.getValueAtPercentile(90),
      p99Ns: h.getValueAtPercentile(99),
      p999Ns: h.getValueAtPercentile(99.9),
      p9999Ns: h.getValueAtPercentile(99.99),
      maxNs: this.#maxNs,
      meanNs: h.mean,
      ambiguous: this.#ambiguous,
      made: detail === 'enter' ? 'enter' : 'exit',
    };
  }
}
