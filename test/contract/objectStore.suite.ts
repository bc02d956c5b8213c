import { beforeEach, describe, expect, it } from 'vitest';
import { StorageClass } from '../../lib/shared/ids.ts';
import type { ObjectReader, ObjectStore, RestoreTier, WriteOptions } from '../../lib/shared/ports/objectStore.ts';

export interface ObjectSetup {
  readonly store: ObjectStore;
  /** Whether a faster tier overrides the restore that is under way, as S3 does; MiniStack refuses any. */
  readonly hastensRestores: boolean;
  /** The least bytes of a part but the last. */
  readonly partBytes: number;
  /** Lets time pass until a standard restore has ended; absent where it passes by itself. */
  readonly endRestores?: () => Promise<void>;
}

let keys = 0;
/** A prefix of a test's own: the bucket may be shared and may hold other objects. */
function freshPrefix(): string {
  keys += 1;
  return `test/${process.pid}-${Date.now()}-${keys}/`;
}

/** What every versioned bucket promises. */
export function objectStoreContract(name: string, create: () => Promise<ObjectSetup>): void {
  objectReaderContract(name, async () => {
    const { store } = await create();
    return { reader: store, store };
  });
  describe(`${name} as an object store`, () => {
    let store: ObjectStore;
    let archives: boolean;
    let hastensRestores: boolean;
    let endRestores: ObjectSetup['endRestores'];
    let partBytes: number;
    let key: string;
    beforeEach(async () => {
      ({ store, hastensRestores, partBytes, endRestores } = await create());
      archives = store.classes.includes('GLACIER');
      key = `${freshPrefix()}a b+c/ü☃.bin`;
    });

    it('makes a new version with each write and keeps the old one as it was', async () => {
      const first = await write(store, key, 'first');
      const second = await write(store, key, 'second!');
      expect(second).not.toBe(first);
      expect(await text(store, key, first, 5)).toBe('first');
      expect(await text(store, key, second, 7)).toBe('second!');
      expect(await head(store, key)).toMatchObject({ versionId: second, size: 7 });
    });

    it('writes an object by parts, of which nothing is seen before its end', async () => {
      const parts = [Buffer.alloc(partBytes, 1), Buffer.alloc(partBytes, 2), Buffer.from('tail')] as const;
      const metadata = { note: 'by parts' };
      const resume = await store.beginParts(key, { metadata, storageClass: 'STANDARD' });
      expect(await store.writtenParts(key, resume)).toEqual(new Map());
      expect(await store.writePart(key, resume, 3, parts[2])).toBe('written');
      expect(await store.writePart(key, resume, 1, Buffer.alloc(partBytes, 9))).toBe('written');
      expect(await store.writePart(key, resume, 1, parts[0])).toBe('written');
      await expect(store.endParts(key, resume, 3)).rejects.toMatchObject({ code: 'invalid-request' });
      expect(await store.writePart(key, resume, 2, parts[1])).toBe('written');
      expect(await store.writtenParts(key, resume)).toEqual(new Map(parts.map((part, at) => [at + 1, part.length])));
      expect(await store.head(key)).toEqual({ outcome: 'absent' });
      const listed = await store.listUnfinishedCopies({ prefix: key, limit: 10 });
      expect(listed.copies).toMatchObject([{ key, resume }]);
      const ended = await store.endParts(key, resume, 3);
      const size = 2 * partBytes + 4;
      expect(ended).toMatchObject({ outcome: 'written', size });
      const versionId = ended.outcome === 'written' ? ended.versionId : '';
      expect(await head(store, key)).toMatchObject({ versionId, size, metadata, storageClass: 'STANDARD' });
      const read = await store.readRange(key, versionId, 0, size);
      expect(read.outcome === 'read' && Buffer.compare(read.bytes, Buffer.concat(parts))).toBe(0);
      expect(await store.endParts(key, resume, 3)).toEqual({ outcome: 'gone' });
      expect((await store.listUnfinishedCopies({ prefix: key, limit: 10 })).copies).toEqual([]);
    });

    it('knows nothing any more of an object by parts that was abandoned', async () => {
      const resume = await store.beginParts(key);
      await store.writePart(key, resume, 1, bytes('never seen'));
      await store.abandonCopy(key, resume);
      await store.abandonCopy(key, resume);
      expect(await store.writtenParts(key, resume)).toBeUndefined();
      expect(await store.writePart(key, resume, 1, bytes('late'))).toBe('gone');
      expect(await store.endParts(key, resume, 1)).toEqual({ outcome: 'gone' });
      expect(await store.head(key)).toEqual({ outcome: 'absent' });
      await expect(store.writePart(key, resume, 10_001, bytes('x'))).rejects.toMatchObject({ code: 'invalid-request' });
    });

    it('keeps metadata and storage class with the version', async () => {
      const metadata = { 'strata-set': '5c1c4f5e-0000-4000-8000-000000000000', note: 'a b~' };
      const versionId = await write(store, key, 'x', { metadata, storageClass: 'STANDARD' });
      expect(await head(store, key, versionId)).toMatchObject({ metadata, storageClass: 'STANDARD', key });
    });

    it('writes each class that it has, and refuses the others', async () => {
      expect(store.classes).toContain('STANDARD');
      for (const storageClass of StorageClass.options) {
        if (store.classes.includes(storageClass)) {
          const versionId = await write(store, key, storageClass, { storageClass });
          expect(await head(store, key, versionId)).toMatchObject({ storageClass });
          continue;
        }
        await refuses(store.write(key, bytes('x'), { storageClass }), 'invalid-request');
        await refuses(store.beginParts(key, { storageClass }), 'invalid-request');
        const versionId = await write(store, key, 'source');
        await refuses(store.copy({ key, versionId }, key, { storageClass }), 'invalid-request');
      }
    });

    it('writes only if absent when asked so; a delete marker counts as absent', async () => {
      const first = await write(store, key, 'first', { onlyIf: 'absent' });
      expect(await store.write(key, bytes('second'), { onlyIf: 'absent' })).toEqual({ outcome: 'exists' });
      expect(await head(store, key)).toMatchObject({ versionId: first });
      await store.remove(key);
      await write(store, key, 'third', { onlyIf: 'absent' });
    });

    it('hides a deleted key, not its versions, behind a marker that can be taken away', async () => {
      const versionId = await write(store, key, 'kept');
      await store.remove(key);
      expect(await store.head(key)).toEqual({ outcome: 'absent' });
      expect(await text(store, key, versionId, 4)).toBe('kept');
      const { versions } = await store.listVersions({ prefix: key, limit: 10 });
      expect(versions).toMatchObject([
        { isDeleteMarker: true, isLatest: true },
        { isDeleteMarker: false, isLatest: false, versionId },
      ]);
      await store.remove(key, versions[0]?.versionId);
      expect(await head(store, key)).toMatchObject({ versionId });
    });

    it('removes one version for good; the one below becomes current', async () => {
      const first = await write(store, key, 'first');
      const second = await write(store, key, 'second');
      await store.remove(key, second);
      await store.remove(key, second);
      expect(await store.head(key, second)).toEqual({ outcome: 'absent' });
      expect(await store.readRange(key, second, 0, 1)).toEqual({ outcome: 'absent' });
      expect(await head(store, key)).toMatchObject({ versionId: first });
    });

    it('copies a pinned version, not what replaced it, with its metadata or with new ones', async () => {
      const versionId = await write(store, key, 'pinned', { metadata: { a: '1' } });
      await write(store, key, 'newer');
      const target = `${key}-copy`;
      const copied = await store.copy({ key, versionId }, target, { onlyIf: 'absent' });
      expect(copied).toMatchObject({ outcome: 'written' });
      expect(await head(store, target)).toMatchObject({ size: 6, metadata: { a: '1' } });
      expect(await text(store, target, (await head(store, target)).versionId, 6)).toBe('pinned');
      expect(await store.copy({ key, versionId }, target, { onlyIf: 'absent' })).toEqual({ outcome: 'exists' });
      await store.copy({ key, versionId }, target, { metadata: { b: '2' } });
      expect(await head(store, target)).toMatchObject({ metadata: { b: '2' } });
    });

    it('outlives the removal of the source of a copy', async () => {
      const versionId = await write(store, key, 'source');
      await store.copy({ key, versionId }, `${key}-copy`);
      await store.remove(key, versionId);
      const copy = await head(store, `${key}-copy`);
      expect(await text(store, copy.key, copy.versionId, 6)).toBe('source');
      expect(await store.copy({ key, versionId }, `${key}-again`)).toEqual({ outcome: 'source-absent' });
    });

    it('changes a storage class by a copy onto the same key, and refuses to read what is archived', async (context) => {
      context.skip(!archives);
      const versionId = await write(store, key, 'frozen');
      const frozen = await store.copy({ key, versionId }, key, { storageClass: 'GLACIER' });
      const frozenId = frozen.outcome === 'written' ? frozen.versionId : '';
      expect(await head(store, key)).toMatchObject({ storageClass: 'GLACIER', restore: { state: 'archived' } });
      expect(await store.readRange(key, frozenId, 0, 1)).toEqual({ outcome: 'archived' });
      expect(await store.copy({ key, versionId: frozenId }, `${key}-x`)).toEqual({ outcome: 'source-archived' });
      expect(await text(store, key, versionId, 6)).toBe('frozen');
    });

    it('restores an archived version for a while: first under way, then readable in the class that it stays in', async (context) => {
      context.skip(!archives);
      const request = { tier: 'standard', days: 2 } as const;
      const versionId = await write(store, key, 'frozen', { storageClass: 'GLACIER' });
      expect(await store.restore(key, versionId, request)).toMatchObject({ outcome: 'restoring' });
      expect(await store.restore(key, versionId, request)).toMatchObject({ outcome: 'under-way' });
      expect(await head(store, key, versionId)).toMatchObject({ restore: { state: 'restoring' } });
      expect(await store.readRange(key, versionId, 0, 1)).toEqual({ outcome: 'archived' });
      await endRestores?.();
      await expect
        .poll(() => head(store, key, versionId), { interval: 200 })
        .toMatchObject({ restore: { state: 'restored' } });
      expect(await text(store, key, versionId, 6)).toBe('frozen');
      expect((await head(store, key, versionId)).storageClass).toBe('GLACIER');
      expect(await store.restore(key, versionId, request)).toEqual({ outcome: 'restored' });
      const copied = await store.copy({ key, versionId }, key, { storageClass: 'STANDARD' });
      expect(copied).toMatchObject({ outcome: 'written' });
      expect((await head(store, key)).restore).toBeUndefined();
    });

    it('makes the restore that is under way faster where it can, and never slower', async (context) => {
      context.skip(!archives);
      const versionId = await write(store, key, 'frozen', { storageClass: 'GLACIER' });
      const ask = (tier: RestoreTier) => store.restore(key, versionId, { tier, days: 2 });
      expect(await ask('bulk')).toMatchObject({ outcome: 'restoring' });
      const overridden = hastensRestores ? 'restoring' : 'under-way';
      expect(await ask('standard')).toMatchObject({ outcome: overridden });
      expect(await ask('standard')).toMatchObject({ outcome: 'under-way' });
      expect(await ask('bulk')).toMatchObject({ outcome: 'under-way' });
      expect(await ask('expedited')).toMatchObject({ outcome: overridden });
      expect(await ask('standard')).toMatchObject({ outcome: 'under-way' });
    });

    it('restores nothing that is not archived or not there', async (context) => {
      context.skip(!archives);
      const request = { tier: 'bulk', days: 1 } as const;
      const versionId = await write(store, key, 'at hand');
      expect(await store.restore(key, versionId, request)).toEqual({ outcome: 'not-archived' });
      expect(await store.restore(`${key}-other`, versionId, request)).toEqual({ outcome: 'absent' });
      await refuses(store.restore(key, versionId, { tier: 'bulk', days: 0.5 }), 'invalid-request');
    });

    it('lists versions by key and newest first, page by page', async () => {
      const prefix = freshPrefix();
      const versions: string[] = [];
      for (const name of ['b', 'a', 'b', 'c']) versions.push(await write(store, `${prefix}${name}`, name));
      const listed: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.listVersions({ prefix, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.versions.length).toBeLessThanOrEqual(2);
        listed.push(...page.versions.map((version) => version.versionId));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(listed).toEqual([versions[1], versions[2], versions[0], versions[3]]);
    });

    it('refuses a body, a key and metadata that are out of bounds', async () => {
      const metadata = { long: 'x'.repeat(2_048) };
      await refuses(store.write(key, new Uint8Array(64 * 1024 * 1024 + 1)), 'too-large');
      await refuses(store.write('x'.repeat(1_025), bytes('x')), 'invalid-request');
      await refuses(store.write('', bytes('x')), 'invalid-request');
      await refuses(store.write(key, bytes('x'), { metadata }), 'invalid-request');
    });

    it('keeps an empty object', async () => {
      const versionId = await write(store, key, '');
      expect(await head(store, key)).toMatchObject({ versionId, size: 0 });
      await refuses(store.readRange(key, versionId, 0, 1), 'invalid-request');
    });
  });
}

export interface ReaderSetup {
  readonly reader: ObjectReader;
  /** Writes what the reader reads. */
  readonly store: ObjectStore;
  /** Where the reader may look; hosts see only `blobs/`. */
  readonly prefix?: string;
}

/** What a host relies on when it reads. */
export function objectReaderContract(name: string, create: () => Promise<ReaderSetup>): void {
  describe(`${name} as an object reader`, () => {
    let reader: ObjectReader;
    let store: ObjectStore;
    let key: string;
    beforeEach(async () => {
      const setup = await create();
      ({ reader, store } = setup);
      key = `${setup.prefix ?? ''}${freshPrefix()}object`;
    });

    it('answers the current version and each pinned one', async () => {
      const first = await write(store, key, 'first');
      const second = await write(store, key, 'second');
      expect(await reader.head(key)).toMatchObject({ outcome: 'found', head: { versionId: second, size: 6 } });
      expect(await reader.head(key, first)).toMatchObject({ outcome: 'found', head: { versionId: first, size: 5 } });
    });

    it('reads exactly the range that was asked for', async () => {
      const content = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);
      const written = await store.write(key, content);
      const versionId = written.outcome === 'written' ? written.versionId : '';
      for (const [offset, length] of [
        [0, 1],
        [9_999, 1],
        [1_234, 5_678],
        [0, 10_000],
      ] as const) {
        const read = await reader.readRange(key, versionId, offset, length);
        expect(read.outcome).toBe('read');
        if (read.outcome === 'read') {
          expect(Buffer.compare(read.bytes, content.subarray(offset, offset + length))).toBe(0);
        }
      }
    });

    it('refuses a range that is empty or reaches outside of the object', async () => {
      const versionId = await write(store, key, '0123456789');
      await refuses(reader.readRange(key, versionId, 5, 6), 'invalid-request');
      await refuses(reader.readRange(key, versionId, 10, 1), 'invalid-request');
      await refuses(reader.readRange(key, versionId, 0, 0), 'invalid-request');
      await refuses(reader.readRange(key, versionId, -1, 1), 'invalid-request');
    });

    it('says of a key or version that is not there that it is absent', async () => {
      const versionId = await write(store, key, 'x');
      expect(await reader.head(`${key}-other`)).toEqual({ outcome: 'absent' });
      expect(await reader.readRange(`${key}-other`, versionId, 0, 1)).toEqual({ outcome: 'absent' });
      await store.remove(key, versionId);
      expect(await reader.head(key, versionId)).toEqual({ outcome: 'absent' });
    });
  });
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

async function write(store: ObjectStore, key: string, body: string, options?: WriteOptions): Promise<string> {
  const outcome = await store.write(key, bytes(body), options);
  if (outcome.outcome !== 'written') throw new Error(`${key}: ${outcome.outcome}`);
  return outcome.versionId;
}

async function head(store: ObjectReader, key: string, versionId?: string) {
  const outcome = await store.head(key, versionId);
  if (outcome.outcome !== 'found') throw new Error(`${key} is absent`);
  return outcome.head;
}

async function text(store: ObjectReader, key: string, versionId: string, length: number): Promise<string> {
  const read = await store.readRange(key, versionId, 0, length);
  return read.outcome === 'read' ? Buffer.from(read.bytes).toString() : read.outcome;
}

async function refuses(call: Promise<unknown>, code: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'PortError', code, retryable: false });
}
