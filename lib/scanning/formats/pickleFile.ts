import { Cursor } from '../cursor.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { TORCH_MAGIC } from '../pickle/handlers.ts';
import { PickleMachine } from '../pickle/machine.ts';
import type { PickleContext } from '../pickle/state.ts';
import type { BytesValue, Value } from '../pickle/values.ts';
import { createBufferReader, createSliceReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';

export interface PickleLoader {
  readonly persistentIds: PickleContext['persistentIds'];
  readonly torchScript?: boolean;
}

const MAX_CONCATENATED = 10_000;
/** Bytes that protocols 0 to 2 wrote as text are decoded in memory. */
const MAX_ENCODED = 64 * 1024 * 1024;

/**
 * Judges a stream of pickles: all of them, since a loader may call `load` again; for a legacy torch file the five that
 * `torch.save` writes and the raw storages behind them.
 */
export async function judgePickles(
  reader: RangedReader,
  inspection: Inspection,
  loader: PickleLoader,
): Promise<Format> {
  const stream = new PickleStream(reader, inspection);
  let format: Format = 'pickle';
  try {
    const first = await stream.next(loader);
    if (first === TORCH_MAGIC) {
      format = 'torch-legacy';
      await stream.legacyTorch();
    } else await stream.rest(loader);
  } finally {
    await stream.judgePayloads();
  }
  return stream.usedJoblib ? 'joblib' : format;
}

class PickleStream {
  readonly #reader: RangedReader;
  readonly #inspection: Inspection;
  readonly #cursor: Cursor;
  readonly #payloads: BytesValue[] = [];
  /** Bytes of each storage by its key, as the pickles claim them. */
  readonly storages = new Map<string, number>();
  usedJoblib = false;

  constructor(reader: RangedReader, inspection: Inspection) {
    this.#reader = reader;
    this.#inspection = inspection;
    this.#cursor = new Cursor(reader, 'pickle.malformed');
  }

  next(loader: PickleLoader): Promise<Value> {
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
    };
    return new PickleMachine(this.#cursor, context).run();
  }

  /** Further pickles up to the end; anything else behind a STOP is something that no writer of models appends. */
  async rest(loader: PickleLoader): Promise<void> {
    for (let count = 1; this.#cursor.left > 0; count += 1) {
      if (count >= MAX_CONCATENATED) throw new RefusedError('file.too-large', `more than ${count} pickles in a row`);
      const start = this.#cursor.offset;
      try {
        await this.next(loader);
      } catch (error) {
        if (!(error instanceof RefusedError) || error.rule !== 'pickle.malformed') throw error;
        this.#inspection.report('pickle.trailing', `${this.#reader.size - start} bytes follow the last pickle`, start);
        return;
      }
    }
  }

  /** Protocol version, system information, the object, the keys; then 8 bytes of count and the elements per storage. */
  async legacyTorch(): Promise<void> {
    await this.next({ persistentIds: 'none' });
    await this.next({ persistentIds: 'none' });
    await this.next({ persistentIds: 'torch' });
    await this.next({ persistentIds: 'none' });
    const expected = [...this.storages.values()].reduce((sum, bytes) => sum + bytes + 8, 0);
    if (expected !== this.#cursor.left) {
      const text = `${this.#cursor.left} bytes of storages where ${expected} belong`;
      throw new RefusedError('pickle.tensor', text, this.#cursor.offset);
    }
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
    await stream.next(loader);
    await stream.rest(loader);
  } finally {
    await stream.judgePayloads();
  }
  return stream.storages;
}
