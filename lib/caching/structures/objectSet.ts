import { NO_OBJECT } from '../policy.ts';

/** The resident objects in one dense array: constant-time add, remove and access by position (for sampling and scans). */
export class ObjectSet {
  readonly #members: Int32Array;
  readonly #positionOf: Int32Array;
  #length = 0;

  constructor(objects: number) {
    this.#members = new Int32Array(objects);
    this.#positionOf = new Int32Array(objects).fill(-1);
  }

  get length(): number {
    return this.#length;
  }

  at(position: number): number {
    return this.#members[position] ?? NO_OBJECT;
  }

  has(object: number): boolean {
    return (this.#positionOf[object] ?? -1) >= 0;
  }

  add(object: number): void {
    if (this.has(object)) return;
    this.#members[this.#length] = object;
    this.#positionOf[object] = this.#length;
    this.#length += 1;
  }

  remove(object: number): void {
    const position = this.#positionOf[object] ?? -1;
    if (position < 0) return;
    this.#length -= 1;
    const last = this.at(this.#length);
    this.#members[position] = last;
    this.#positionOf[last] = position;
    this.#positionOf[object] = -1;
  }
}
