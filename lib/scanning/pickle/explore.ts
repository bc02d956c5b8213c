import { Cursor } from '../cursor.ts';
import { RefusedError, ScanningError } from '../errors.ts';
import { createCountedReader, type RangedReader } from '../rangedReader.ts';
import { PickleMachine } from './machine.ts';
import type { PickleContext } from './state.ts';

export interface Exploration {
  /** Imports and calls that are not allow-listed, in words. */
  readonly findings: readonly string[];
  /** Whether one of them is of a module that attacks use, or is called. */
  readonly harmful: boolean;
  /** The walk reached a STOP, or the end of its budget without meeting anything that is no pickle. */
  readonly complete: boolean;
  /** The budget ended first: every byte so far was a pickle's. */
  readonly exhausted: boolean;
}

const MAX_BYTES = 1024 * 1024;
const MAX_OPCODES = 200_000;

/** Follows bytes that claim to be something else as if `pickle.load` had been given them. */
export async function explorePickle(reader: RangedReader): Promise<Exploration> {
  const findings: string[] = [];
  let harmful = false;
  const context: PickleContext = {
    persistentIds: 'none',
    torchScript: false,
    exploring: true,
    explored: { left: 0 },
    report: (rule, text) => {
      if (/import|call|state|argument/.test(rule)) findings.push(text);
      if (/dangerous|call|hidden|state|argument/.test(rule)) harmful = true;
    },
    onTensor: () => {},
    onStorage: () => {},
    onPayload: () => {},
    onJoblibArray: () => {},
    checkTime: () => {},
  };
  let complete = false;
  let exhausted = false;
  const outer: { failure?: Error } = {};
  const told: RangedReader = {
    size: reader.size,
    read: (offset, length) =>
      reader.read(offset, length).catch((error: unknown) => {
        if (error instanceof Error) outer.failure = error;
        throw error;
      }),
  };
  try {
    const cursor = new Cursor(createCountedReader(told, MAX_BYTES), 'pickle.malformed');
    await new PickleMachine(cursor, context).run(MAX_OPCODES);
    complete = true;
  } catch (error) {
    // Bytes that could not be read, or that the scan may not read any more, say nothing of the file.
    if (outer.failure !== undefined && !(outer.failure instanceof RefusedError)) throw outer.failure;
    if (!(error instanceof ScanningError)) throw error;
    exhausted = !(error instanceof RefusedError) || error.rule === 'file.too-large' || error.rule === 'pickle.bomb';
    complete = exhausted;
  }
  return { findings, harmful, complete, exhausted };
}
