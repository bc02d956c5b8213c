import type { Cursor } from '../cursor.ts';
import type { RuleId } from '../rules.ts';
import type { TextEncoding } from './encoded.ts';
import type { TextKeeper } from './operands.ts';
import type { PickleStack } from './stack.ts';
import type { BytesValue, TensorValue, Value } from './values.ts';

/** What a machine is told about its stream, and whom it tells what the stream's loader would do. */
export interface PickleContext {
  /** How the loader resolves persistent ids; `none` is plain pickle, which raises. */
  readonly persistentIds: 'torch' | 'torch-tar' | 'none';
  /** Names under `__torch__` are types of the archive's own TorchScript code. */
  readonly torchScript: boolean;
  /**
   * The bytes may be no pickle at all: a name that no Python program could have ends the walk instead of being reported,
   * because random bytes hold such names.
   */
  readonly exploring: boolean;
  /** Opcodes that may still be spent on looking into bytes of the stream. */
  readonly explored: { left: number };
  report(rule: RuleId, text: string, offset: number): void;
  /** A tensor that is stored under a literal key. */
  onTensor(name: string, tensor: TensorValue): void;
  /** A storage outside of the pickle that a tensor needs. */
  onStorage(key: string, bytes: number): void;
  /** Bytes that a call will load again with torch. */
  onPayload(bytes: BytesValue): void;
  onJoblibArray(): void;
  /** Called about once per window of input; throws where the time is over. */
  checkTime(): void;
  /** Asked as often; true makes the machine pause. Absent where nobody could go on with it. */
  readonly pauseIsDue?: (() => boolean) | undefined;
}

/** The running machine as its opcode handlers see it. */
export interface PickleState {
  readonly cursor: Cursor;
  readonly context: PickleContext;
  readonly stack: PickleStack;
  readonly texts: TextKeeper;
  readonly opcodes: number;
  /** Machines around this one. */
  readonly nesting: number;
  /** The offset of the current opcode. */
  readonly at: number;
  /** FRAME: the next `length` bytes are whole opcodes. */
  openFrame(length: number): void;
  /** Closes the frame that ends here, before bytes that are no opcodes. */
  leaveFrame(): void;
  /** Ends the run with this value. */
  stop(value: Value): void;
  report(rule: RuleId, text: string): void;
  /** Work that must wait for input, done before the next opcode. */
  defer(work: () => Promise<void>): void;
  /** Runs a whole pickle that lies in the stream at this place, as joblib nests them. */
  runNested(): Promise<void>;
  /** Follows bytes inside the stream as a pickle of their own, and reports if loading them would import something. */
  exploreNested(offset: number): Promise<void>;
  /** As `exploreNested`, for a text of the stream that spells a pickle. */
  exploreEncoded(offset: number, length: number, encoding: TextEncoding): Promise<void>;
  /** Follows the bytes from `offset` as further opcodes of this pickle, and reports if they would import something. */
  exploreFrom(offset: number): Promise<void>;
}
