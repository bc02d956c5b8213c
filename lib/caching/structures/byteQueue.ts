import type { Evictable } from '../policy.ts';
import type { FloatColumn } from './columns.ts';
import { ObjectList } from './objectList.ts';

/** A list of objects that knows how many bytes it holds. `bytesOf` may be shared by queues that never hold an object at once. */
export class ByteQueue {
  readonly #list: ObjectList;
  readonly #bytesOf: FloatColumn;
  #bytes = 0;

  constructor(objects: number, bytesOf: FloatColumn) {
    this.#list = new ObjectList(objects);
    this.#bytesOf = bytesOf;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#list.length;
  }

  get oldest(): number {
    return this.#list.oldest;
  }

  has(object: number): boolean {
    return this.#list.has(object);
  }

  newerThan(object: number): number {
    return this.#list.newerThan(object);
  }

  push(object: number, bytes: number): void {
    this.#list.push(object);
    this.#bytesOf.set(object, bytes);
    this.#bytes += bytes;
  }

  remove(object: number): void {
    this.#list.remove(object);
    this.#bytes -= this.#bytesOf.get(object);
  }

  moveToHead(object: number): void {
    this.#list.moveToHead(object);
  }

  /** The oldest object that may be evicted, or `NO_OBJECT`. */
  oldestEvictable(evictable: Evictable): number {
    return this.#list.oldestEvictable(evictable);
  }
}
