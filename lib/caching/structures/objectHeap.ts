import { type Evictable, NO_OBJECT } from '../policy.ts';
import { FloatColumn, IntColumn } from './columns.ts';

/** A binary min-heap of objects with a changeable key. Equal keys leave in the order in which they were last set. */
export class ObjectHeap {
  readonly #key: FloatColumn;
  readonly #setAt: FloatColumn;
  readonly #slotOf: IntColumn;
  readonly #slots: IntColumn;
  #length = 0;
  #clock = 0;

  constructor(objects: number) {
    this.#key = new FloatColumn(objects);
    this.#setAt = new FloatColumn(objects);
    this.#slotOf = new IntColumn(objects, -1);
    this.#slots = new IntColumn(objects, NO_OBJECT);
  }

  get length(): number {
    return this.#length;
  }

  keyOf(object: number): number {
    return this.#key.get(object);
  }

  has(object: number): boolean {
    return this.#slotOf.get(object) >= 0;
  }

  /** Inserts the object or changes its key. */
  set(object: number, key: number): void {
    this.#key.set(object, key);
    this.#clock += 1;
    this.#setAt.set(object, this.#clock);
    const slot = this.#slotOf.get(object);
    if (slot < 0) {
      this.#length += 1;
      this.#siftUp(object, this.#length - 1);
    } else {
      this.#settle(object, slot);
    }
  }

  remove(object: number): void {
    const slot = this.#slotOf.get(object);
    if (slot < 0) return;
    this.#slotOf.set(object, -1);
    this.#length -= 1;
    const last = this.#slots.get(this.#length);
    if (last !== object) this.#settle(last, slot);
  }

  /** The evictable object with the smallest key, or `NO_OBJECT`. */
  min(evictable: Evictable): number {
    return this.#minBelow(0, NO_OBJECT, evictable);
  }

  /** A child is never smaller than its parent, so the search descends only through objects that are not evictable. */
  #minBelow(slot: number, best: number, evictable: Evictable): number {
    if (slot >= this.#length) return best;
    const object = this.#slots.get(slot);
    if (best !== NO_OBJECT && this.#before(best, object)) return best;
    if (evictable(object)) return object;
    const left = this.#minBelow(2 * slot + 1, best, evictable);
    return this.#minBelow(2 * slot + 2, left, evictable);
  }

  #before(a: number, b: number): boolean {
    const keyA = this.#key.get(a);
    const keyB = this.#key.get(b);
    return keyA < keyB || (keyA === keyB && this.#setAt.get(a) < this.#setAt.get(b));
  }

  #settle(object: number, slot: number): void {
    const parent = this.#slots.get((slot - 1) >> 1);
    if (slot > 0 && this.#before(object, parent)) this.#siftUp(object, slot);
    else this.#siftDown(object, slot);
  }

  #siftUp(object: number, start: number): void {
    let slot = start;
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = this.#slots.get(above);
      if (!this.#before(object, parent)) break;
      this.#put(parent, slot);
      slot = above;
    }
    this.#put(object, slot);
  }

  #siftDown(object: number, start: number): void {
    let slot = start;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= this.#length) break;
      const left = this.#slots.get(below);
      const right = this.#slots.get(below + 1);
      let child = left;
      if (below + 1 < this.#length && this.#before(right, left)) {
        below += 1;
        child = right;
      }
      if (!this.#before(child, object)) break;
      this.#put(child, slot);
      slot = below;
    }
    this.#put(object, slot);
  }

  #put(object: number, slot: number): void {
    this.#slots.set(slot, object);
    this.#slotOf.set(object, slot);
  }
}
