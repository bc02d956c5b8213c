import { NO_OBJECT } from '../policy.ts';
import { IntColumn } from './columns.ts';

/** The resident objects in one dense array: constant-time add, remove and access by position (for sampling and scans). */
export class ObjectSet {
  readonly #members: IntColumn;
  readonly #positionOf: IntColumn;
  #length = 0;

  constructor(objects: number) {
    this.#members = new IntColumn(objects, NO_OBJECT);
    this.#positionOf = new IntColumn(objects, -1);
  }

  get length(): number {
    return this.#length;
  }

  at(position: number): number {
    return this.#members.get(position);
  }

  has(object: number): boolean {
    return this.#positionOf.get(object) >= 0;
  }

  add(object: number): void {
    if (this.has(object)) return;
    this.#members.set(this.#length, object);
    this.#positionOf.set(object, this.#length);
    this.#length += 1;
  }

  remove(object: number): void {
    const position = this.#positionOf.get(object);
    if (position < 0) return;
    this.#length -= 1;
    const last = this.at(this.#length);
    this.#members.set(position, last);
    this.#positionOf.set(last, position);
    this.#positionOf.set(object, -1);
  }
}
