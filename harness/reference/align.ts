/** Two sequences of records of one thread side by side: which are of the same call, and what has no partner. */
import { Anchors } from './anchors.ts';

/** How far ahead the other side is searched for the place where both agree again. */
const LOOK_AHEAD = 128;
/**
 * Beyond this many places of disagreement in one thread there is nothing left to learn from aligning. Where calls were lost,
 * gaps within LOOK_AHEAD are no disagreement.
 */
const MOST_BREAKS = 2000;
const MOST_LONG_GAPS = 20_000;
/** Calls in a row that must be alike, at about one time, before a place behind a long gap is taken for the same. */
const ANCHOR_CALLS = 3;
/** How far apart in time two records of one call may be: so many times what they usually are, and at least this. */
const SKEWS = 8;
const LEAST_SKEW_NS = 1e6;
/** Of the mean by which the usual is known. */
const SKEW_WEIGHT = 0.01;

/** What there is to ask of two records, one of each side, or of some in a row of one. */
export interface Sides {
  readonly same: (left: number, right: number) => boolean;
  /** By how much the right record is the later one, ns. */
  readonly timeAfter: (left: number, right: number) => number;
  /** Of so many records from that place of the sequence; null: so many are not left. */
  readonly hashLeft: (place: number, calls: number) => number | null;
  readonly hashRight: (place: number, calls: number) => number | null;
}

type Stretch = readonly [left: readonly number[], right: readonly number[]];

export interface Aligned {
  readonly equal: number;
  /** In order, each between two places where both agree. */
  readonly apart: readonly Stretch[];
  /** Records behind the place where it was given up. */
  readonly leftOut: number;
}

/** `lossy`: calls of either side are missing, so that what is apart may be long, and looks alike where it is not. */
export function align(mine: readonly number[], theirs: readonly number[], sides: Sides, lossy: boolean): Aligned {
  return new Alignment(mine, theirs, sides, lossy).run();
}

/** By which a place of the one side is found on the other: single calls of each, and some in a row. */
interface Ways {
  readonly mine: Anchors;
  readonly theirs: Anchors;
  readonly rows: Anchors;
}

class Alignment {
  readonly #mine: readonly number[];
  readonly #theirs: readonly number[];
  readonly #sides: Sides;
  readonly #lossy: boolean;
  /** Mean distance in time of two records of one call. */
  #skewNs = 0;
  #ways: Ways | null = null;

  constructor(mine: readonly number[], theirs: readonly number[], sides: Sides, lossy: boolean) {
    this.#mine = mine;
    this.#theirs = theirs;
    this.#sides = sides;
    this.#lossy = lossy;
  }

  /** At a disagreement the nearest place is sought from which they agree again. */
  run(): Aligned {
    const [mine, theirs] = [this.#mine, this.#theirs];
    const apart: Stretch[] = [];
    let [i, j, breaks, equal, leftOut] = [0, 0, 0, 0, 0];
    while (i < mine.length && j < theirs.length) {
      if (this.#same(i, j)) {
        this.#learnSkew(i, j);
        equal++;
        i++;
        j++;
        continue;
      }
      const near = this.#near(i, j);
      if (near === null || !this.#lossy) breaks++;
      if (breaks > (this.#lossy ? MOST_LONG_GAPS : MOST_BREAKS)) {
        leftOut = mine.length - i + theirs.length - j;
        return { equal, apart, leftOut };
      }
      const found = near ?? (this.#lossy ? this.#farther(i, j) : [1, 1]);
      if (found === null) break;
      const [a, b] = found;
      apart.push([mine.slice(i, i + a), theirs.slice(j, j + b)]);
      i += a;
      j += b;
    }
    apart.push([mine.slice(i), theirs.slice(j)]);
    return { equal, apart, leftOut };
  }

  #same(i: number, j: number): boolean {
    const [x, y] = [this.#mine[i], this.#theirs[j]];
    return x !== undefined && y !== undefined && this.#sides.same(x, y);
  }

  /** How many to leave behind on each side; the fewest together. null: more than are looked at. */
  #near(i: number, j: number): [number, number] | null {
    const agrees = (a: number, b: number): boolean =>
      this.#same(i + a, j + b) && (!this.#lossy || this.#atOneTime(i + a, j + b));
    for (let skipped = 1; skipped <= LOOK_AHEAD; skipped++) {
      for (let a = 0; a <= skipped; a++) if (agrees(a, skipped - a)) return [a, skipped - a];
    }
    return null;
  }

  /** The same over any distance: by a call that is the only one of its kind on both sides, or by some in a row at one time. null: nowhere. */
  #farther(i: number, j: number): [number, number] | null {
    this.#ways ??= this.#waysBack();
    const { mine, theirs, rows } = this.#ways;
    for (let a = 0; i + a < this.#mine.length; a++) {
      const hash = this.#sides.hashLeft(i + a, 1) as number;
      const sole = mine.sole(hash) === null ? null : theirs.sole(hash);
      if (sole !== null && sole >= j && this.#same(i + a, sole)) return [a, sole - j];
      const row = this.#sides.hashLeft(i + a, ANCHOR_CALLS);
      if (row === null) continue;
      for (const place of rows.from(row, j)) {
        if (this.#timeAfter(i + a, place) > this.#slackNs()) break;
        if (this.#atOneTime(i + a, place) && this.#sameInARow(i + a, place)) return [a, place - j];
      }
    }
    return null;
  }

  #waysBack(): Ways {
    const { hashLeft, hashRight } = this.#sides;
    return {
      mine: new Anchors(this.#mine.length, (place) => hashLeft(place, 1)),
      theirs: new Anchors(this.#theirs.length, (place) => hashRight(place, 1)),
      rows: new Anchors(this.#theirs.length, (place) => hashRight(place, ANCHOR_CALLS)),
    };
  }

  #sameInARow(i: number, j: number): boolean {
    for (let n = 0; n < ANCHOR_CALLS; n++) if (!this.#same(i + n, j + n)) return false;
    return true;
  }

  #timeAfter(i: number, j: number): number {
    return this.#sides.timeAfter(this.#mine[i] as number, this.#theirs[j] as number);
  }

  #slackNs(): number {
    return Math.max(LEAST_SKEW_NS, SKEWS * this.#skewNs);
  }

  #atOneTime(i: number, j: number): boolean {
    return Math.abs(this.#timeAfter(i, j)) <= this.#slackNs();
  }

  #learnSkew(i: number, j: number): void {
    if (this.#lossy) this.#skewNs += SKEW_WEIGHT * (Math.abs(this.#timeAfter(i, j)) - this.#skewNs);
  }
}
