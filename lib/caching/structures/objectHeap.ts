import { type Evictable, NO_OBJECT } from '../policy.ts';

/** A binary min-heap of objects with a changeable key. Equal keys leave in the order in which they were last set. */
export class ObjectHeap {
  readonly #key: Float64Array;
  readonly #setAt: Float64Array;
  readonly #slotOf: Int32Array;
  readonly #slots: Int32Array;
  #length = 0;
  #clock = 0;

  constructor(objects: number) {
    this.#key = new Float64Array(objects);
    this.#setAt = new Float64Array(objects);
    this.#slotOf = new Int32Array(objects).fill(-1);
    this.#slots = new Int32Array(objects);
  }

  get length(): number {
    return this.#length;
  }

  keyOf(object: number): number {
    return this.#key[object] ?? 0;
  }

  has(object: number): boolean {
    return (this.#slotOf[object] ?? -1) >= 0;
  }

  /** Inserts the object or changes its key. */
  set(object: number, key: number): void {
    this.#key[object] = key;
    this.#clock += 1;
    this.#setAt[object] = this.#clock;
    const slot = this.#slotOf[object] ?? -1;
    if (slot < 0) {
      this.#length += 1;
      this.#siftUp(object, this.#length - 1);
    } else {
      this.#settle(object, slot);
    }
  }

  remove(object: number): void {
    const slot = this.#slotOf[object] ?? -1;
    if (slot < 0) return;
    this.#slotOf[object] = -1;
    this.#length -= 1;
    const last = this.#slots[this.#length] ?? NO_OBJECT;
    if (last !== object) this.#settle(last, slot);
  }

  /** The evictable object with the smallest key, or `NO_OBJECT`. */
  min(evictable: Evictable): number {
    return this.#minBelow(0, NO_OBJECT, evictable);
  }

  /** A child is never smaller than its parent, so the search descends only through objects that are not evictable. */
  #minBelow(slot: number, best: number, evictable: Evictable): number {
    if (slot >= this.#length) return best;
    const object = this.#slots[slot] ?? NO_OBJECT;
    if (best !== NO_OBJECT && this.#before(best, object)) return best;
    if (evictable(object)) return object;
    const left = this.#minBelow(2 * slot + 1, best, evictable);
    return this.#minBelow(2 * slot + 2, left, evictable);
  }

  #before(a: number, b: number): boolean {
    const keyA = this.#key[a] ?? 0;
    const keyB = this.#key[b] ?? 0;
    return keyA < keyB || (keyA === keyB && (this.#setAt[a] ?? 0) < (this.#setAt[b] ?? 0));
  }

  #settle(object: number, slot: number): void {
    const parent = this.#slots[(slot - 1) >> 1] ?? NO_OBJECT;
    if (slot > 0 && this.#before(object, parent)) this.#siftUp(object, slot);
    else this.#siftDown(object, slot);
  }

  #siftUp(object: number, start: number): void {
    let slot = start;
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = this.#slots[above] ?? NO_OBJECT;
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
      const left = this.#slots[below] ?? NO_OBJECT;
      const right = this.#slots[below + 1] ?? NO_OBJECT;
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
    this.#slots[slot] = object;
    this.#slotOf[object] = slot;
  }
}
