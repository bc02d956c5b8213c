import { RefusedError } from '../errors.ts';
import { slim, type Value } from './values.ts';

/** Picklers write batches of a thousand; a tuple of a few million numbers is the most that a model file holds at once. */
const MAX_DEPTH = 4_000_000;
const MAX_MEMO = 6_500_000;
/** From here on the memo keeps less of each value. */
const MAX_WHOLE = 200_000;
/** C's unpickler allocates its memo up to the largest index: an index far above the count of entries is an attack. */
const MAX_MEMO_GAP = 1_000_000;

/** All that a stack holds, to be restored in another process. */
export interface StackState {
  readonly values: Value[];
  readonly marks: number[];
  readonly memo: (Value | undefined)[];
  readonly memoCount: number;
}

/** The unpickler's stack, its marks and its memo. Every misuse is refused as Python would raise there. */
export class PickleStack {
  #values: Value[];
  #marks: number[];
  /** Dense: picklers count from zero. */
  #memo: (Value | undefined)[];
  #memoCount = 0;
  /** Read, not written: the memo of the machine from which this one was forked. */
  #inherited: PickleStack | undefined;

  constructor(forkedFrom?: PickleStack) {
    this.#values = forkedFrom === undefined ? [] : forkedFrom.#values.slice();
    this.#marks = forkedFrom === undefined ? [] : forkedFrom.#marks.slice();
    this.#memo = [];
    this.#inherited = forkedFrom;
  }

  state(): StackState {
    return { values: this.#values, marks: this.#marks, memo: this.#memo, memoCount: this.#memoCount };
  }

  /** Takes over a saved state, which must not be used by anybody else afterwards. */
  restore({ values, marks, memo, memoCount }: StackState): void {
    this.#values = values;
    this.#marks = marks;
    this.#memo = memo;
    this.#memoCount = memoCount;
  }

  get depth(): number {
    return this.#values.length;
  }

  push(value: Value): void {
    if (this.#values.length >= MAX_DEPTH) {
      throw new RefusedError('file.too-large', `more than ${MAX_DEPTH} values wait on the pickle stack`);
    }
    this.#values.push(value);
  }

  mark(): void {
    if (this.#marks.length >= MAX_DEPTH) throw new RefusedError('pickle.bomb', 'millions of nested marks');
    this.#marks.push(this.#values.length);
  }

  pop(): Value {
    const value = this.#values.length > this.#fence ? this.#values.pop() : undefined;
    if (value === undefined) throw new RefusedError('pickle.malformed', 'an opcode takes more than the stack holds');
    return value;
  }

  top(): Value {
    const value = this.pop();
    this.#values.push(value);
    return value;
  }

  /** The POP opcode: takes a mark where one is on top. */
  popAny(): void {
    if (this.#marks.length > 0 && this.#fence === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  popToMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new RefusedError('pickle.malformed', 'an opcode needs a mark and there is none');
    return this.#values.splice(mark);
  }

  get #fence(): number {
    return this.#marks.at(-1) ?? 0;
  }

  remember(index: number, value: Value): void {
    if (index > this.#memoSize + MAX_MEMO_GAP) {
      throw new RefusedError('pickle.bomb', `memo index ${index} makes the unpickler allocate gigabytes`);
    }
    if (this.#memoCount >= MAX_MEMO) throw new RefusedError('file.too-large', `more than ${MAX_MEMO} memo entries`);
    if (this.#memo[index] === undefined) this.#memoCount += 1;
    this.#memo[index] = this.#memoCount > MAX_WHOLE ? slim(value) : value;
  }

  /** MEMOIZE: the next index is the number of entries. */
  memoize(): void {
    this.remember(this.#memoSize, this.top());
  }

  get #memoSize(): number {
    const inherited = this.#inherited;
    return this.#memoCount + (inherited === undefined ? 0 : inherited.#memoSize);
  }

  recall(index: number): Value {
    const value = this.#lookUp(index);
    if (value === undefined) throw new RefusedError('pickle.malformed', `memo entry ${index} is read before it is set`);
    return value;
  }

  #lookUp(index: number): Value | undefined {
    const inherited = this.#inherited;
    return this.#memo[index] ?? (inherited === undefined ? undefined : inherited.#lookUp(index));
  }
}
