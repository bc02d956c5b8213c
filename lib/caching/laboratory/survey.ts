import type { AccessBatch } from './accessBatch.ts';

/**
 * What must be known of a trace before it is replayed: how many objects it has, and its footprint (the sum of the objects'
 * sizes, each as the largest seen). `keepSequence` also remembers 12 bytes per access, which the offline policies and the
 * bounds need.
 */
export class TraceSurvey {
  readonly #keepSequence: boolean;
  readonly #sequence: AccessBatch[] = [];
  #largest = new Float64Array(1024);
  #objects = 0;
  #footprintBytes = 0;
  #accesses = 0;

  constructor(options: { keepSequence: boolean }) {
    this.#keepSequence = options.keepSequence;
  }

  get objects(): number {
    return this.#objects;
  }

  get footprintBytes(): number {
    return this.#footprintBytes;
  }

  get accesses(): number {
    return this.#accesses;
  }

  feed(batch: AccessBatch): void {
    for (let row = 0; row < batch.length; row += 1) this.#measure(batch.object[row] ?? 0, batch.bytes[row] ?? 0);
    this.#accesses += batch.length;
    if (!this.#keepSequence) return;
    const { length } = batch;
    this.#sequence.push({
      length,
      object: batch.object.slice(0, length),
      bytes: batch.bytes.slice(0, length),
      group: new Int32Array(0),
    });
  }

  #measure(object: number, bytes: number): void {
    this.#objects = Math.max(this.#objects, object + 1);
    if (object >= this.#largest.length) {
      const grown = new Float64Array(2 * object);
      grown.set(this.#largest);
      this.#largest = grown;
    }
    const known = this.#largest[object] ?? 0;
    if (bytes <= known) return;
    this.#footprintBytes += bytes - known;
    this.#largest[object] = bytes;
  }

  /** The whole trace as columns; empty unless the sequence was kept. */
  sequence(): WholeTrace {
    const kept = this.#keepSequence ? this.#accesses : 0;
    const object = new Int32Array(kept);
    const bytes = new Float64Array(kept);
    let position = 0;
    for (const part of this.#sequence) {
      object.set(part.object, position);
      bytes.set(part.bytes, position);
      position += part.length;
    }
    return { object, bytes, nextUse: nextUses(object, this.#objects) };
  }
}

/** Every access of a trace in columns. */
export interface WholeTrace {
  readonly object: Int32Array;
  readonly bytes: Float64Array;
  /** Position of the next access to the same object, or `Infinity`. */
  readonly nextUse: Float64Array;
}

function nextUses(sequence: Int32Array, objects: number): Float64Array {
  const next = new Float64Array(sequence.length);
  const seenAt = new Float64Array(objects).fill(Number.POSITIVE_INFINITY);
  for (let position = sequence.length - 1; position >= 0; position -= 1) {
    const object = sequence[position] ?? 0;
    next[position] = seenAt[object] ?? Number.POSITIVE_INFINITY;
    seenAt[object] = position;
  }
  return next;
}
