import type { StackState } from './stack.ts';
import type { BytesValue } from './values.ts';

/** A machine between two opcodes, to be restored in another process. */
export interface MachineState {
  readonly stack: StackState;
  readonly keptCharacters: number;
  readonly opcodes: number;
  readonly offset: number;
  readonly frameEnd: number;
}

/** A stream between two opcodes, to be restored in another process. */
export interface StreamState {
  /** Pickles that were followed to their end. */
  readonly finished: number;
  readonly legacy: boolean;
  readonly usedJoblib: boolean;
  readonly payloads: BytesValue[];
  readonly storages: Map<string, number>;
  readonly machine: MachineState;
}
