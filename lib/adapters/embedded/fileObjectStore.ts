import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod/mini';
import { PortError } from '../../shared/errors.ts';
import { StorageClass } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Disk } from '../../shared/ports/disk.ts';
import type {
  ObjectHead,
  ObjectStore,
  VerifiedParts,
  WriteOptions,
  WriteOutcome,
} from '../../shared/ports/objectStore.ts';
import type { Random } from '../../shared/ports/random.ts';
import { decodeCursor, encodeCursor } from '../cursors.ts';
import { checkObjectKey, checkRange, checkRestore, checkWrite, invalidRequest } from '../objectCalls.ts';
import { type ObjectEventKind, objectEvent } from './objectEvent.ts';
import { asPortError, openObjectFiles } from './objectFiles.ts';
import { createObjectIndex, type StoredVersion } from './objectIndex.ts';
import { createObjectLocks } from './objectLocks.ts';
import { createObjectRestores, RESTORE_DELAYS, type RestoreDelays } from './objectRestores.ts';
import { createObjectParts } from './objectParts.ts';
import { createPartHasher } from './partHasher.ts';
import { transaction } from './sqlite.ts';

/*
 * A versioned bucket on one disk. The bytes of a version are an immutable file `objects/<2 hex>/<id>`; everything else is a
 * row of the index. A file is loose → (written and synced) → named by a version → loose again when its last version is
 * removed → gone. The row that names it and the notification of it are one transaction; loose files that a crash left
 * behind are removed when the store is opened. Copies share the file of their source: on one disk a second file would
 * protect nothing.
 */

export interface ObjectNotification {
  readonly id: number;
  /** EventBridge envelope, JSON. */
  readonly event: string;
}

export interface FileObjectStore extends ObjectStore {
  /** Writes an object of any size; an error of `chunks` leaves nothing behind. */
  upload(key: string, chunks: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<WriteOutcome>;
  /** The oldest changes of the bucket whose delivery was not confirmed: they come again until it is. */
  notifications(limit: number): readonly ObjectNotification[];
  delivered(id: number): void;
  /** Notifies of restores that have ended and of restored copies whose days are over; to be called every second or so. */
  tellRestores(): void;
}

export interface FileObjectStoreOptions {
  readonly disk: Disk;
  readonly database: DatabaseSync;
  readonly bucket: string;
  readonly region: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Hash each part of so many bytes while it comes in, for `verifiedParts`; without it none are known. */
  readonly hashPartsOf?: number;
  /** How long restores take; minutes where nothing is said. */
  readonly restoreDelays?: RestoreDelays;
  /** Called after each change of the bucket is committed. */
  readonly onNotification?: () => void;
}

const Marker = z.tuple([z.string(), z.number()]);
const LIST_LIMIT = 1000;
/** What S3 has is emulated on the disk, restores included. */
const HAS = { classes: StorageClass.options };

export async function createFileObjectStore(options: FileObjectStoreOptions): Promise<FileObjectStore> {
  const { database, clock, random } = options;
  const index = createObjectIndex(database);
  const locks = createObjectLocks(database);
  const restores = createObjectRestores(database, options.restoreDelays ?? RESTORE_DELAYS);
  const files = await openObjectFiles(options.disk, index);

  function announce(kind: ObjectEventKind, version: StoredVersion, seq: number): void {
    const { bucket, region } = options;
    index.notify(objectEvent({ id: random.id(), kind, at: clock.now(), bucket, region, version, seq }));
  }

  function currentObject(key: string): StoredVersion | undefined {
    const current = index.current(key);
    return current?.file === undefined ? undefined : current;
  }

  /** Makes a written file a version of `key`, unless the write's condition fails. */
  function publish(kind: ObjectEventKind, content: Omit<StoredVersion, 'seq'>, write: WriteOptions): WriteOutcome {
    const outcome = transaction<WriteOutcome>(database, () => {
      if (write.onlyIf === 'absent' && currentObject(content.key) !== undefined) {
        return { commit: false, value: { outcome: 'exists' } };
      }
      const version = { ...content, seq: index.nextSequence() };
      index.insert(version);
      if (write.retainUntil !== undefined) locks.lock(version, write.retainUntil);
      if (content.file !== undefined) index.settle(content.file);
      announce(kind, version, version.seq);
      const { versionId, size } = content;
      return { commit: true, value: { outcome: 'written', versionId, etag: versionId, size } };
    });
    options.onNotification?.();
    return outcome;
  }

  async function store(
    key: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    write: WriteOptions,
  ): Promise<WriteOutcome> {
    if (write.onlyIf === 'absent' && currentObject(key) !== undefined) return { outcome: 'exists' };
    const versionId = random.id();
    const hashed = createPartHasher(options.hashPartsOf);
    const { file, size } = await files.fill(versionId, chunks, (chunk) => hashed.update(chunk));
    try {
      await files.seal(file);
      const content = { ...described(key, versionId, write), file, size, ...hashed.finish() };
      const outcome = publish('created', content, write);
      if (outcome.outcome !== 'written') await files.discard(file);
      return outcome;
    } catch (error) {
      // What cannot be removed now is still loose and goes when the store is opened again.
      await files.discard(file).catch(() => undefined);
      throw asPortError(error);
    }
  }

  const parts = createObjectParts({
    ...HAS,
    write: async (bytes) => (await files.fill(random.id(), [bytes])).file,
    read: (file, size) => files.pieces(file, size),
    discard: (file) => files.discard(file),
    newId: () => random.id(),
    now: () => clock.now(),
    store,
  });

  function described(key: string, versionId: string, write: WriteOptions) {
    const { storageClass = 'STANDARD', metadata = {} } = write;
    return { key, versionId, storageClass, metadata, modifiedAt: clock.now() };
  }

  function find(key: string, versionId?: string): StoredVersion | undefined {
    checkObjectKey(key);
    const found = versionId === undefined ? index.current(key) : index.version(key, versionId);
    return found?.file === undefined ? undefined : found;
  }

  return {
    ...HAS,
    async head(key, versionId) {
      const found = find(key, versionId);
      return found === undefined
        ? { outcome: 'absent' }
        : { outcome: 'found', head: headOf(found, restores.state(found, clock.now())) };
    },
    async readRange(key, versionId, offset, length) {
      checkRange(offset, length);
      const found = find(key, versionId);
      if (found?.file === undefined) return { outcome: 'absent' };
      if (restores.isArchived(found, clock.now())) return { outcome: 'archived' };
      checkRange(offset, length, found.size);
      try {
        const bytes = await files.read(found.file, offset, length);
        if (bytes.byteLength !== length) throw damaged(found);
        return { outcome: 'read', bytes };
      } catch (error) {
        // Removed between the look at the index and the read.
        if (find(key, versionId) === undefined) return { outcome: 'absent' };
        throw asPortError(error);
      }
    },
    async verifiedParts(key, versionId, partSize) {
      const parts = find(key, versionId)?.parts;
      return parts?.size === partSize ? checksumsOf(parts) : undefined;
    },
    async write(key, bytes, write = {}) {
      checkWrite(HAS, key, bytes.byteLength, write);
      return store(key, [bytes], write);
    },
    async upload(key, chunks, write = {}) {
      checkWrite(HAS, key, 0, write);
      return store(key, chunks, write);
    },
    async copy(source, key, write = {}) {
      checkWrite(HAS, key, 0, write);
      const found = find(source.key, source.versionId);
      if (found === undefined) return { outcome: 'source-absent' };
      if (restores.isArchived(found, clock.now())) return { outcome: 'source-archived' };
      const content = described(key, random.id(), { metadata: found.metadata, ...write });
      return publish('copied', { ...found, ...content }, write);
    },
    async restore(key, versionId, request) {
      checkRestore(request);
      const found = find(key, versionId);
      return found === undefined ? { outcome: 'absent' } : restores.ask(found, request, clock.now());
    },
    // A copy shares its source's file and ends where it begins: only objects by parts are unfinished for a while.
    ...parts,
    async remove(key, versionId) {
      checkObjectKey(key);
      if (versionId === undefined) {
        publish('marker-created', { ...described(key, random.id(), {}), size: 0 }, {});
        return;
      }
      const file = transaction(database, () => {
        const version = index.version(key, versionId);
        if (version === undefined) return { commit: false, value: undefined };
        locks.refuseLocked(version, clock.now());
        index.remove(version);
        announce('permanently-deleted', version, index.nextSequence());
        if (version.file === undefined || index.isShared(version.file)) return { commit: true, value: undefined };
        index.loosen(version.file);
        return { commit: true, value: version.file };
      });
      options.onNotification?.();
      if (file !== undefined) await files.discard(file);
    },
    async listVersions({ prefix, limit, cursor }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT) {
        throw invalidRequest(`A listing has 1 to ${LIST_LIMIT} versions, not ${limit}.`);
      }
      const after = cursor === undefined ? undefined : decodeCursor(Marker, cursor);
      const found = index.list(prefix, `${prefix}\u{10ffff}`, limit + 1, after);
      const last = found.length > limit ? found[limit - 1]?.version : undefined;
      return {
        versions: found.slice(0, limit).map(({ version, isLatest }) => ({
          key: version.key,
          versionId: version.versionId,
          isLatest,
          isDeleteMarker: version.file === undefined,
          size: version.size,
          storageClass: version.storageClass,
          lastModified: version.modifiedAt,
        })),
        ...(last === undefined ? {} : { cursor: encodeCursor([last.key, last.seq]) }),
      };
    },
    notifications: (limit) => index.pending(limit),
    delivered: (id) => index.delivered(id),
    tellRestores() {
      const now = clock.now();
      const told = transaction(database, () => {
        const ended = restores.takeReady(now).map((seq) => ['restore-completed', seq] as const);
        const over = restores.takeOver(now).map((seq) => ['restore-expired', seq] as const);
        for (const [kind, seq] of [...ended, ...over]) {
          const version = index.bySequence(seq);
          if (version !== undefined) announce(kind, version, seq);
        }
        return { commit: true, value: ended.length + over.length };
      });
      if (told > 0) options.onNotification?.();
    },
  };
}

function headOf(version: StoredVersion, restore: ObjectHead['restore']): ObjectHead {
  const { key, versionId, size, storageClass, metadata, modifiedAt } = version;
  const head = { key, versionId, size, etag: versionId, storageClass, lastModified: modifiedAt, metadata };
  return restore === undefined ? head : { ...head, restore };
}

function checksumsOf({ sha256, crc32c }: VerifiedParts): VerifiedParts {
  return crc32c === undefined ? { sha256 } : { sha256, crc32c };
}

function damaged(version: StoredVersion): PortError {
  return new PortError({
    code: 'corrupt',
    message: `The file of ${version.key} (version ${version.versionId}) is damaged or missing. Upload it again.`,
    retryable: false,
  });
}
