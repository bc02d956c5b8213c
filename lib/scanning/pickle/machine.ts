import { Cursor } from '../cursor.ts';
import { RefusedError, ScanningError } from '../errors.ts';
import { createBufferReader } from '../rangedReader.ts';
import type { RuleId } from '../rules.ts';
import { decodeText, type TextEncoding } from './encoded.ts';
import { HANDLERS } from './handlers.ts';
import { OP } from './opcodes.ts';
import { TextKeeper } from './operands.ts';
import { PickleStack } from './stack.ts';
import type { MachineState } from './streamState.ts';
import type { PickleContext, PickleState } from './state.ts';
import type { Value } from './values.ts';

/** Enough for every operand that is read rather than skipped, and for a line of a name. */
const LOOKAHEAD = 64 * 1024;
const MAX_OPCODES = 400_000_000;
const MAX_NESTED = 8;
const MAX_EXPLORED = 10_000;

/** The caller's time for this part is over; the machine goes on from its state. */
export class MachinePaused extends Error {
  override readonly name = 'MachinePaused';
  readonly state: MachineState;

  constructor(state: MachineState) {
    super('the judgement pauses');
    this.state = state;
  }
}

interface MachineOptions {
  readonly forkedFrom?: PickleMachine;
  readonly nesting?: number;
  readonly resumed?: MachineState | undefined;
}

/**
 * Follows a pickle opcode by opcode over abstract values: what it would import, call and overwrite, without doing any of
 * it. One `run` is one pickle, up to its STOP; the cursor then stands behind it. Bytes that Python's unpicklers would not
 * load are refused as `pickle.malformed`; what a stream did before such a place has been reported by then.
 */
export class PickleMachine implements PickleState {
  readonly cursor: Cursor;
  readonly context: PickleContext;
  readonly stack: PickleStack;
  readonly texts: TextKeeper;
  readonly nesting: number;
  opcodes = 0;
  /** The offset of the current opcode. */
  at = 0;
  #pending: (() => Promise<void>) | undefined;
  #result: Value | undefined;
  /** Where the open frame ends; infinite outside of frames. */
  #frameEnd = Number.POSITIVE_INFINITY;

  constructor(cursor: Cursor, context: PickleContext, options: MachineOptions = {}) {
    const { resumed } = options;
    this.cursor = cursor;
    this.context = context;
    this.stack = new PickleStack(options.forkedFrom?.stack);
    this.texts = options.forkedFrom?.texts ?? new TextKeeper(resumed?.keptCharacters);
    this.nesting = options.nesting ?? 0;
    if (resumed !== undefined) {
      this.stack.restore(resumed.stack);
      this.opcodes = resumed.opcodes;
      this.#frameEnd = resumed.frameEnd;
    }
    if (this.nesting > MAX_NESTED) throw new RefusedError('pickle.bomb', 'pickles nested in arrays without end');
  }

  /** Runs to STOP and answers the value that it leaves. `maxOpcodes` bounds an exploration. */
  async run(maxOpcodes: number = MAX_OPCODES): Promise<Value> {
    while (this.#result === undefined) {
      if (this.cursor.buffered < LOOKAHEAD) {
        this.#pauseIfDue();
        this.context.checkTime();
        await this.cursor.ensure(Math.min(LOOKAHEAD, this.cursor.left));
      }
      while (this.#result === undefined && this.#pending === undefined && this.cursor.ready(LOOKAHEAD)) {
        this.#step(maxOpcodes);
      }
      const pending = this.#pending;
      this.#pending = undefined;
      if (pending !== undefined) await pending();
    }
    return this.#result;
  }

  /** Only the outermost machine pauses: what runs inside of it is short. */
  #pauseIfDue(): void {
    if (this.nesting > 0 || this.context.pauseIsDue?.() !== true) return;
    const { stack, texts, opcodes, cursor } = this;
    const frameEnd = this.#frameEnd;
    throw new MachinePaused({
      stack: stack.state(),
      keptCharacters: texts.kept,
      opcodes,
      offset: cursor.offset,
      frameEnd,
    });
  }

  openFrame(length: number): void {
    if (this.at < this.#frameEnd && this.#frameEnd !== Number.POSITIVE_INFINITY) {
      this.report('pickle.frame', 'a frame begins inside of another');
    }
    this.#frameEnd = this.cursor.offset + length;
  }

  /**
   * Picklers write whole opcodes into a frame. Where one reaches over its end, CPython's unpicklers read on from different
   * places, so that the operand of one reader is code to the other.
   */
  leaveFrame(): void {
    const { offset } = this.cursor;
    if (offset < this.#frameEnd) return;
    if (offset > this.#frameEnd) this.report('pickle.frame', 'an opcode reaches over the end of its frame');
    this.#frameEnd = Number.POSITIVE_INFINITY;
  }

  stop(value: Value): void {
    const { offset } = this.cursor;
    if (this.#frameEnd !== Number.POSITIVE_INFINITY && offset !== this.#frameEnd) {
      this.report('pickle.frame', 'the pickle ends before its frame');
    }
    if (this.stack.depth > 0) this.report('pickle.misuse', 'values are left on the stack at the end');
    this.#result = value;
  }

  report(rule: RuleId, text: string): void {
    this.context.report(rule, text, this.at);
  }

  defer(work: () => Promise<void>): void {
    this.#pending = work;
  }

  async runNested(): Promise<void> {
    await new PickleMachine(this.cursor, this.context, { nesting: this.nesting + 1 }).run();
  }

  async exploreFrom(offset: number): Promise<void> {
    const found = await this.#explore(this.cursor.fork(offset), this);
    if (found !== undefined)
      this.report('polyglot.second-format', `array data that pickle.load would execute: ${found}`);
  }

  async exploreNested(offset: number): Promise<void> {
    const found = await this.#explore(this.cursor.fork(offset));
    if (found !== undefined) this.report('pickle.nested', `bytes at ${offset} are a pickle that ${found}`);
  }

  async exploreEncoded(offset: number, length: number, encoding: TextEncoding): Promise<void> {
    const source = this.cursor.fork(offset);
    await source.ensure(length);
    const bytes = decodeText(source.bytes(length), encoding);
    // What is decoded costs as much as a walk over it.
    this.context.explored.left -= Math.ceil(length / 16);
    const found = await this.#explore(new Cursor(createBufferReader(bytes), 'pickle.malformed'));
    if (found !== undefined) this.report('pickle.nested', `a text at ${offset} spells a pickle that ${found}`);
  }

  /** Answers the first import or call outside of the allow-list, if the bytes there are opcodes that make one. */
  async #explore(cursor: Cursor, forkedFrom?: PickleMachine): Promise<string | undefined> {
    if (this.context.explored.left <= 0)
      throw new RefusedError('file.too-large', 'too many bytes that begin like pickles');
    const found: string[] = [];
    const context: PickleContext = {
      ...this.context,
      exploring: true,
      report: (rule, text) => void (/import|call|state|argument|nested/.test(rule) && found.push(text)),
      onTensor: () => {},
      onStorage: () => {},
      onPayload: () => {},
    };
    const options = { nesting: this.nesting + 1, ...(forkedFrom === undefined ? {} : { forkedFrom }) };
    const explorer = new PickleMachine(cursor, context, options);
    try {
      await explorer.run(MAX_EXPLORED);
    } catch (error) {
      if (!(error instanceof ScanningError) || error.code === 'port') throw error;
    }
    this.context.explored.left -= explorer.opcodes;
    return found[0];
  }

  #step(maxOpcodes: number): void {
    this.at = this.cursor.offset;
    if (this.at >= this.#frameEnd) this.leaveFrame();
    if (this.cursor.left === 0) throw new RefusedError('pickle.malformed', 'the pickle ends before its STOP', this.at);
    this.opcodes += 1;
    if (this.opcodes > maxOpcodes) throw new RefusedError('file.too-large', `more than ${maxOpcodes} opcodes`, this.at);
    const opcode = this.cursor.u8();
    const handler = HANDLERS[opcode];
    if (handler === undefined) {
      throw new RefusedError('pickle.malformed', `0x${opcode.toString(16)} is no opcode`, this.at);
    }
    handler(this);
  }
}

/** Whether bytes begin like a pickle of protocol 2 or later. */
export function looksLikePickle(head: Uint8Array): boolean {
  const version = head[1];
  return head[0] === OP.PROTO && version !== undefined && version <= 5;
}
