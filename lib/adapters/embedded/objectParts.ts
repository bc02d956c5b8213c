import type { EndOutcome, ObjectStore, WriteOptions, WriteOutcome } from '../../shared/ports/objectStore.ts';
import type { EpochMs } from '../../shared/units.ts';
import { checkPart, checkWrite, invalidRequest } from '../objectCalls.ts';

/*
 * Objects that are written by parts: begun → parts, each a loose file of its own → put together into one file and published, or abandoned.
 * Only memory knows them: the files are loose, so that a store which is opened again has removed them.
 */

export interface PartFiles extends Pick<ObjectStore, 'classes'> {
  /** Writes the bytes to a new loose file and answers its name. */
  write(bytes: Uint8Array): Promise<string>;
  /** In pieces that fit into memory. */
  read(file: string, size: number): AsyncIterable<Uint8Array>;
  discard(file: string): Promise<void>;
  newId(): string;
  now(): EpochMs;
  store(key: string, chunks: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WriteOutcome>;
}

interface Part {
  readonly file: string;
  readonly size: number;
}

interface Unfinished {
  readonly key: string;
  readonly startedAt: EpochMs;
  readonly options: WriteOptions;
  readonly parts: Map<number, Part>;
}

type ObjectParts = Pick<
  ObjectStore,
  'beginParts' | 'writtenParts' | 'writePart' | 'endParts' | 'listUnfinishedCopies' | 'abandonCopy'
>;

export function createObjectParts(files: PartFiles): ObjectParts {
  const unfinished = new Map<string, Unfinished>();
  const find = (key: string, resume: string): Unfinished | undefined => {
    const found = unfinished.get(resume);
    return found?.key === key ? found : undefined;
  };

  async function discardAll({ parts }: Unfinished): Promise<void> {
    for (const { file } of parts.values()) await files.discard(file);
  }

  async function* together(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
    for (const { file, size } of parts) yield* files.read(file, size);
  }

  return {
    async beginParts(key, options = {}) {
      checkWrite(files, key, 0, options);
      const resume = files.newId();
      unfinished.set(resume, { key, startedAt: files.now(), options, parts: new Map() });
      return resume;
    },
    async writtenParts(key, resume) {
      const found = find(key, resume);
      return found && new Map([...found.parts].map(([number, { size }]) => [number, size]));
    },
    async writePart(key, resume, number, bytes) {
      checkPart(number, bytes.byteLength);
      if (find(key, resume) === undefined) return 'gone';
      const file = await files.write(bytes);
      const found = find(key, resume);
      const superfluous = found === undefined ? file : found.parts.get(number)?.file;
      found?.parts.set(number, { file, size: bytes.byteLength });
      if (superfluous !== undefined) await files.discard(superfluous);
      return found === undefined ? 'gone' : 'written';
    },
    async endParts(key, resume, count): Promise<EndOutcome> {
      const found = find(key, resume);
      if (found === undefined) return { outcome: 'gone' };
      const parts = Array.from({ length: count }, (_, index) => {
        const part = found.parts.get(index + 1);
        if (part === undefined) throw invalidRequest(`${key} has not all of its ${count} parts.`);
        return part;
      });
      // Nobody else ends it, or writes a part of it, meanwhile.
      unfinished.delete(resume);
      let ended: WriteOutcome;
      try {
        ended = await files.store(key, together(parts), found.options);
      } catch (error) {
        unfinished.set(resume, found);
        throw error;
      }
      await discardAll(found);
      return ended.outcome === 'exists' ? { outcome: 'busy' } : ended;
    },
    async listUnfinishedCopies({ prefix }) {
      const listed = [...unfinished].filter(([, { key }]) => key.startsWith(prefix));
      return { copies: listed.map(([resume, { key, startedAt }]) => ({ key, resume, startedAt })) };
    },
    async abandonCopy(key, resume) {
      const found = find(key, resume);
      if (found === undefined) return;
      unfinished.delete(resume);
      await discardAll(found);
    },
  };
}
