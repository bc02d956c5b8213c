const ROWS = 4;
const MAX_COUNT = 15;
/** The counts are halved after this many increments per counter of one row (the paper's sample size: W = 10 × entries). */
const SAMPLES_PER_COUNTER = 10;

/** A count-min sketch of 4-bit counts with conservative update that ages by halving: how often was this object used lately? */
export class FrequencySketch {
  readonly #mask: number;
  readonly #counters: Uint8Array;
  readonly #sampleSize: number;
  #samples = 0;

  /** `entries`: about how many objects the cache holds. */
  constructor(entries: number) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(64, entries * 4)));
    this.#mask = width - 1;
    this.#counters = new Uint8Array(width * ROWS);
    this.#sampleSize = Math.max(64, entries) * SAMPLES_PER_COUNTER;
  }

  estimate(object: number): number {
    let least = MAX_COUNT;
    for (let row = 0; row < ROWS; row += 1) least = Math.min(least, this.#counters[this.#cell(object, row)] ?? 0);
    return least;
  }

  increment(object: number): void {
    const least = this.estimate(object);
    if (least < MAX_COUNT) {
      for (let row = 0; row < ROWS; row += 1) {
        const cell = this.#cell(object, row);
        if (this.#counters[cell] === least) this.#counters[cell] = least + 1;
      }
    }
    this.#samples += 1;
    if (this.#samples >= this.#sampleSize) this.#age();
  }

  #age(): void {
    for (let cell = 0; cell < this.#counters.length; cell += 1) {
      this.#counters[cell] = (this.#counters[cell] ?? 0) >> 1;
    }
    this.#samples >>= 1;
  }

  #cell(object: number, row: number): number {
    // murmur3's finaliser over the index salted by the row.
    let hash = Math.imul(object + 1, 0x9e3779b1) ^ Math.imul(row + 1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return row * (this.#mask + 1) + ((hash ^ (hash >>> 16)) & this.#mask);
  }
}
