import { formatCount } from '../../shared/formatCount.ts';
import { Cursor } from '../cursor.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { TORCH_MAGIC } from '../pickle/handlers.ts';
import { MachinePaused, PickleMachine } from '../pickle/machine.ts';
import type { PickleContext } from '../pickle/state.ts';
import type { MachineState, StreamState } from '../pickle/streamState.ts';
import type { BytesValue, Value } from '../pickle/values.ts';
import { createBufferReader, createSliceReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';

export interface PickleLoader {
  readonly persistentIds: PickleContext['persistentIds'];
  readonly torchScript?: boolean;
}

const PLAIN: PickleLoader = { persistentIds: 'none' };
const MAX_CONCATENATED = 10_000;
/** Bytes that protocols 0 to 2 wrote as text are decoded in memory. */
const MAX_ENCODED = 64 * 1024 * 1024;

/** The judgement of a stream pauses; it goes on from its state. */
export class StreamPaused extends Error {
  override readonly name = 'StreamPaused';
  readonly state: StreamState;

  constructor(state: StreamState) {
    super('the judgement pauses');
    this.state = state;
  }
}

/** Pickles that `torch.save` writes before the storages: magic number, protocol version, system, the object, the keys. */
const LEGACY_PICKLES = 5;
const LEGACY_OBJECT = 3;

/**
 * Judges a stream of pickles: all of them, since a loader may call `load` again; for a legacy torch file the five that
 * `torch.save` writes and the raw storages behind them. Throws `StreamPaused` where the inspection asks for it.
 */
export async function judgePickles(
  reader: RangedReader,
  inspection: Inspection,
  loader: PickleLoader,
): Promise<Format> {
  const stream = new PickleStream(reader, inspection);
  try {
    await stream.followAll(loader);
  } catch (error) {
    if (!(error instanceof StreamPaused)) await stream.judgePayloads();
    throw error;
  }
  await stream.judgePayloads();
  if (stream.usedJoblib) return 'joblib';
  return stream.legacy ? 'torch-legacy' : 'pickle';
}

class PickleStream {
  readonly #reader: RangedReader;
  readonly #inspection: Inspection;
  readonly #cursor: Cursor;
  readonly #payloads: BytesValue[];
  #finished = 0;
  #machine: MachineState | undefined;
  /** Bytes of each storage by its key, as the pickles claim them. */
  readonly storages: Map<string, number>;
  usedJoblib: boolean;
  legacy: boolean;

  constructor(reader: RangedReader, inspection: Inspection) {
    const resumed = inspection.pausing?.resumed;
    this.#reader = reader;
    this.#inspection = inspection;
    this.#cursor = new Cursor(reader, 'pickle.malformed').fork(resumed?.machine.offset ?? 0);
    this.#payloads = resumed?.payloads ?? [];
    this.#finished = resumed?.finished ?? 0;
    this.#machine = resumed?.machine;
    this.storages = resumed?.storages ?? new Map<string, number>();
    this.usedJoblib = resumed?.usedJoblib ?? false;
    this.legacy = resumed?.legacy ?? false;
  }

  /** Every pickle of the stream, and what a legacy torch file has behind its five. */
  async followAll(loader: PickleLoader): Promise<void> {
    for (;;) {
      if (this.#finished >= MAX_CONCATENATED)
        throw new RefusedError('file.too-large', `more than ${this.#finished} pickles in a row`);
      const start = this.#cursor.offset;
      try {
        const value = await this.#next(this.legacy && this.#finished !== LEGACY_OBJECT ? PLAIN : this.#loader(loader));
        if (this.#finished === 0 && loader.persistentIds === 'none') this.legacy = value === TORCH_MAGIC;
      } catch (error) {
        const trails = error instanceof RefusedError && error.rule === 'pickle.malformed' && !this.legacy;
        if (!trails || this.#finished === 0) throw error;
        this.#inspection.report(
          'pickle.trailing',
          `${formatCount(this.#reader.size - start, 'byte follows', 'bytes follow')} the last pickle`,
          start,
        );
        return;
      }
      this.#finished += 1;
      if (this.legacy && this.#finished === LEGACY_PICKLES) return this.#checkStorages();
      if (!this.legacy && this.#cursor.left === 0) return;
    }
  }

  #loader(loader: PickleLoader): PickleLoader {
    return this.legacy ? { persistentIds: 'torch' } : loader;
  }

  async #next(loader: PickleLoader): Promise<Value> {
    const inspection = this.#inspection;
    const context: PickleContext = {
      persistentIds: loader.persistentIds,
      torchScript: loader.torchScript ?? false,
      exploring: false,
      explored: { left: 5_000_000 },
      report: (rule, text, offset) => inspection.report(rule, text, offset),
      onTensor: (name, { dtype, shape, bytes }) => inspection.addTensor({ name, dtype, shape, bytes }),
      onStorage: (key, bytes) => void this.storages.set(key, bytes),
      onPayload: (bytes) => void this.#payloads.push(bytes),
      onJoblibArray: () => {
        this.usedJoblib = true;
      },
      checkTime: () => inspection.checkTime(),
      pauseIsDue: inspection.pausing?.isDue,
    };
    const resumed = this.#machine;
    this.#machine = undefined;
    try {
      return await new PickleMachine(this.#cursor, context, { resumed }).run();
    } catch (error) {
      throw error instanceof MachinePaused ? this.#paused(error.state) : error;
    }
  }

  #paused(machine: MachineState): StreamPaused {
    const { legacy, usedJoblib, storages } = this;
    return new StreamPaused({
      finished: this.#finished,
      legacy,
      usedJoblib,
      payloads: this.#payloads,
      storages,
      machine,
    });
  }

  /** Behind the pickles: 8 bytes of count and the elements per storage. */
  #checkStorages(): void {
    const expected = [...this.storages.values()].reduce((sum, bytes) => sum + bytes + 8, 0);
    if (expected === this.#cursor.left) return;
    const text = `${formatCount(this.#cursor.left, 'byte')} of storages where ${expected} belong`;
    throw new RefusedError('pickle.tensor', text, this.#cursor.offset);
  }

  /** What a call inside the pickle would load from bytes of the pickle. */
  async judgePayloads(): Promise<void> {
    for (const [index, payload] of this.#payloads.entries()) {
      const reader = await this.#payloadReader(payload);
      const format = await this.#inspection.inspectInside(`payload ${index}`, reader);
      if (!format.startsWith('torch')) {
        this.#inspection.report('pickle.payload', `loads bytes that are no torch file but ${format}`, payload.offset);
      }
    }
  }

  async #payloadReader({ offset = 0, length = 0, encoded }: BytesValue): Promise<RangedReader> {
    if (encoded !== true) return createSliceReader(this.#reader, offset, length);
    if (length > MAX_ENCODED) throw new RefusedError('file.too-large', `${length} bytes of encoded payload`, offset);
    const text = Buffer.from(await this.#reader.read(offset, length)).toString('utf8');
    return createBufferReader(Buffer.from(text, 'latin1'));
  }
}

/** Storages that the pickles of a torch zip name, with their claimed bytes. */
export async function judgeTorchPickle(
  reader: RangedReader,
  inspection: Inspection,
  loader: PickleLoader,
): Promise<ReadonlyMap<string, number>> {
  const stream = new PickleStream(reader, inspection);
  try {
    await stream.followAll(loader);
  } finally {
    await stream.judgePayloads();
  }
  return stream.storages;
}
