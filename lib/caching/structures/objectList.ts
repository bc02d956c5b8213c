import { type Evictable, NO_OBJECT } from '../policy.ts';

const ABSENT = -2;

/** A doubly linked list of objects, newest at the head. The links live in two integer arrays, so nothing is allocated per call. */
export class ObjectList {
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #head = NO_OBJECT;
  #tail = NO_OBJECT;
  #length = 0;

  constructor(objects: number) {
    this.#newer = new Int32Array(objects).fill(ABSENT);
    this.#older = new Int32Array(objects).fill(ABSENT);
  }

  get length(): number {
    return this.#length;
  }

  /** The oldest object, or `NO_OBJECT`. */
  get oldest(): number {
    return this.#tail;
  }

  has(object: number): boolean {
    return (this.#newer[object] ?? ABSENT) !== ABSENT;
  }

  /** The next newer object, or `NO_OBJECT` at the head. */
  newerThan(object: number): number {
    return this.#newer[object] ?? NO_OBJECT;
  }

  /** Adds an object that is not in the list. */
  push(object: number): void {
    this.#newer[object] = NO_OBJECT;
    this.#older[object] = this.#head;
    if (this.#head === NO_OBJECT) this.#tail = object;
    else this.#newer[this.#head] = object;
    this.#head = object;
    this.#length += 1;
  }

  /** Removes an object that is in the list. */
  remove(object: number): void {
    const newer = this.#newer[object] ?? NO_OBJECT;
    const older = this.#older[object] ?? NO_OBJECT;
    if (newer === NO_OBJECT) this.#head = older;
    else this.#older[newer] = older;
    if (older === NO_OBJECT) this.#tail = newer;
    else this.#newer[older] = newer;
    this.#newer[object] = ABSENT;
    this.#older[object] = ABSENT;
    this.#length -= 1;
  }

  moveToHead(object: number): void {
    if (object === this.#head) return;
    this.remove(object);
    this.push(object);
  }

  /** The oldest object that may be evicted, or `NO_OBJECT`. */
  oldestEvictable(evictable: Evictable): number {
    let object = this.#tail;
    while (object !== NO_OBJECT && !evictable(object)) object = this.newerThan(object);
    return object;
  }
}
