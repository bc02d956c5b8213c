/**
 * Cells that a column begins with; it doubles from there, so that memory is taken for the objects that there have been, and never
 * for more than it is made for.
 */
const FIRST_CELLS = 64;

/** One floating-point number per object, or per place of a list. */
export class FloatColumn {
  #cells: Float64Array;
  readonly #objects: number;
  readonly #initial: number;

  constructor(objects: number, initial = 0) {
    this.#objects = objects;
    this.#cells = new Float64Array(Math.min(objects, FIRST_CELLS)).fill(initial);
    this.#initial = initial;
  }

  get(object: number): number {
    return this.#cells[object] ?? this.#initial;
  }

  set(object: number, value: number): void {
    if (object >= this.#cells.length) this.#reach(object);
    this.#cells[object] = value;
  }

  #reach(object: number): void {
    const cells = new Float64Array(longer(this.#cells.length, this.#objects, object)).fill(
      this.#initial,
      this.#cells.length,
    );
    cells.set(this.#cells);
    this.#cells = cells;
  }
}

/** One 32-bit integer per object, or per place of a list. */
export class IntColumn {
  #cells: Int32Array;
  readonly #objects: number;
  readonly #initial: number;

  constructor(objects: number, initial = 0) {
    this.#objects = objects;
    this.#cells = new Int32Array(Math.min(objects, FIRST_CELLS)).fill(initial);
    this.#initial = initial;
  }

  get(object: number): number {
    return this.#cells[object] ?? this.#initial;
  }

  set(object: number, value: number): void {
    if (object >= this.#cells.length) this.#reach(object);
    this.#cells[object] = value;
  }

  /** Adds one and answers the new value. */
  increment(object: number): number {
    const value = this.get(object) + 1;
    this.set(object, value);
    return value;
  }

  #reach(object: number): void {
    const cells = new Int32Array(longer(this.#cells.length, this.#objects, object)).fill(
      this.#initial,
      this.#cells.length,
    );
    cells.set(this.#cells);
    this.#cells = cells;
  }
}

function longer(length: number, objects: number, object: number): number {
  return Math.max(object + 1, Math.min(objects, 2 * length));
}
