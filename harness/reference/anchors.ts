/**
 * Places of a sequence of records by a hash of what is there: how two sequences are put together behind a gap that is longer
 * than one would look step by step. Memory: a number and a list for each place.
 */
export class Anchors {
  readonly #places = new Map<number, number[]>();

  /** `hashAt`: null where there is nothing to find again. */
  constructor(length: number, hashAt: (place: number) => number | null) {
    for (let place = 0; place < length; place++) {
      const hash = hashAt(place);
      if (hash === null) continue;
      const places = this.#places.get(hash);
      if (places === undefined) this.#places.set(hash, [place]);
      else places.push(place);
    }
  }

  /** The only place with that hash; null: there is none, or several. */
  sole(hash: number): number | null {
    const places = this.#places.get(hash) ?? [];
    return places.length === 1 ? (places[0] as number) : null;
  }

  /** Those at `from` or later with that hash, in order. */
  *from(hash: number, from: number): Generator<number> {
    const places = this.#places.get(hash) ?? [];
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle] as number) < from) low = middle + 1;
      else high = middle;
    }
    for (; low < places.length; low++) yield places[low] as number;
  }
}
