/**
 * Which of the issued stamps a tool's output shows: the ledger's questions (native/src/ledger.h), asked of text after the
 * trial. Stamp: lane:6 | sequence:26 | time:32 (native/include/control.h).
 */

const SEQUENCE_BITS = 26;
const SEQUENCE_MASK = 2 ** SEQUENCE_BITS - 1;
/** Sequence numbers wrap beyond; the text of so many calls would not be kept either. */
export const MOST_CALLS_OF_A_LANE = 2 ** SEQUENCE_BITS;
const DECILES = 10;

export class StampBook {
  complete = 0;
  duplicates = 0;
  reorders = 0;
  neverIssued = 0;
  readonly #issued: readonly number[];
  readonly #seen: readonly Uint8Array[];
  readonly #last: number[];

  /** `issued`: stamps of each lane. */
  constructor(issued: readonly number[]) {
    if (issued.some((calls) => calls > MOST_CALLS_OF_A_LANE)) {
      throw new RangeError(`a lane of more than ${MOST_CALLS_OF_A_LANE} calls cannot be told apart in text`);
    }
    this.#issued = issued;
    this.#seen = issued.map((calls) => new Uint8Array(calls));
    this.#last = issued.map(() => -1);
  }

  /** `upper`: the upper half of a stamp, unsigned. True when it is one that was issued and had not come yet. */
  note(upper: number): boolean {
    const lane = Math.floor(upper / (SEQUENCE_MASK + 1));
    const sequence = upper % (SEQUENCE_MASK + 1);
    const seen = this.#seen[lane];
    if (seen === undefined || sequence >= (this.#issued[lane] ?? 0)) {
      this.neverIssued++;
      return false;
    }
    if (seen[sequence] === 1) {
      this.duplicates++;
      return false;
    }
    seen[sequence] = 1;
    if (sequence < (this.#last[lane] ?? -1)) this.reorders++;
    else this.#last[lane] = sequence;
    this.complete++;
    return true;
  }

  /** Where the missing ones lie. */
  losses(): { lossRuns: number; longestLossRun: number; lossDeciles: number[] } {
    let lossRuns = 0;
    let longestLossRun = 0;
    const lossDeciles = new Array<number>(DECILES).fill(0);
    for (const seen of this.#seen) {
      let run = 0;
      for (let i = 0; i < seen.length; i++) {
        if (seen[i] === 1) {
          run = 0;
          continue;
        }
        if (run === 0) lossRuns++;
        longestLossRun = Math.max(longestLossRun, ++run);
        const decile = Math.floor((i * DECILES) / seen.length);
        lossDeciles[decile] = (lossDeciles[decile] ?? 0) + 1;
      }
    }
    return { lossRuns, longestLossRun, lossDeciles };
  }
}
