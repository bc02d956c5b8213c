/** Marsaglia's xorshift32: equal seeds give equal sequences, which is what makes a policy's decisions reproducible. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // Zero is the generator's fixed point; the multiplier (Knuth's 2^32/φ) spreads neighbouring seeds.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 0 || 1;
  }

  /** A number in [0, 1). */
  fraction(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 0x1_0000_0000;
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.fraction() * below);
  }
}
