import type { Random } from '../../lib/shared/ports/random.ts';

/** xoshiro128** seeded by splitmix32: small, fast, and the same on every machine. */
export class Rng {
  private readonly state = new Uint32Array(4);

  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let index = 0; index < 4; index += 1) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.state[index] = (word ^ (word >>> 15)) >>> 0;
    }
  }

  uint32(): number {
    const state = this.state;
    const s1 = state[1]!;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= s1;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = (state[3]! << 11) | (state[3]! >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  number(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Uniform in 0 … limit − 1. */
  below(limit: number): number {
    return Math.floor(this.number() * limit);
  }

  chance(probability: number): boolean {
    return this.number() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** An independent stream, so that one consumer's draws do not shift another's. */
  fork(): Rng {
    return new Rng(this.uint32());
  }

  asRandom(): Random {
    const hex = (): string => this.uint32().toString(16).padStart(8, '0');
    return { number: () => this.number(), id: () => hex() + hex() + hex() + hex() };
  }
}
