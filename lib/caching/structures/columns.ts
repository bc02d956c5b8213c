/** One floating-point number per object. */
export class FloatColumn {
  readonly #cells: Float64Array;

  constructor(objects: number, initial = 0) {
    this.#cells = new Float64Array(objects).fill(initial);
  }

  get(object: number): number {
    return this.#cells[object] ?? 0;
  }

  set(object: number, value: number): void {
    this.#cells[object] = value;
  }
}

/** One 32-bit integer per object. */
export class IntColumn {
  readonly #cells: Int32Array;

  constructor(objects: number, initial = 0) {
    this.#cells = new Int32Array(objects).fill(initial);
  }

  get(object: number): number {
    return this.#cells[object] ?? 0;
  }

  set(object: number, value: number): void {
    this.#cells[object] = value;
  }

  /** Adds one and answers the new value. */
  increment(object: number): number {
    const value = (this.#cells[object] ?? 0) + 1;
    this.#cells[object] = value;
    return value;
  }
}
