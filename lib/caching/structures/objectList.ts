import { type Evictable, NO_OBJECT } from '../policy.ts';
import { IntColumn } from './columns.ts';

const ABSENT = -2;

/** A doubly linked list of objects, newest at the head. The links live in two integer arrays, so nothing is allocated per call. */
export class ObjectList {
  readonly #newer: IntColumn;
  readonly #older: IntColumn;
  #head = NO_OBJECT;
  #tail = NO_OBJECT;
  #length = 0;

  constructor(objects: number) {
    this.#newer = new IntColumn(objects, ABSENT);
    this.#older = new IntColumn(objects, ABSENT);
  }

  get length(): number {
    return this.#length;
  }

  /** The oldest object, or `NO_OBJECT`. */
  get oldest(): number {
    return this.#tail;
  }

  has(object: number): boolean {
    return this.#newer.get(object) !== ABSENT;
  }

  /** The next newer object, or `NO_OBJECT` at the head. */
  newerThan(object: number): number {
    return this.#newer.get(object);
  }

  /** Adds an object that is not in the list. */
  push(object: number): void {
    this.#newer.set(object, NO_OBJECT);
    this.#older.set(object, this.#head);
    if (this.#head === NO_OBJECT) this.#tail = object;
    else this.#newer.set(this.#head, object);
    this.#head = object;
    this.#length += 1;
  }

  /** Removes an object that is in the list. */
  remove(object: number): void {
    const newer = this.#newer.get(object);
    const older = this.#older.get(object);
    if (newer === NO_OBJECT) this.#head = older;
    else this.#older.set(newer, older);
    if (older === NO_OBJECT) this.#tail = newer;
    else this.#newer.set(older, newer);
    this.#newer.set(object, ABSENT);
    this.#older.set(object, ABSENT);
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
