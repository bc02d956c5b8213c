import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UploadNotification } from '../../events/aws/eventBridgeS3.v1.ts';
import { RestoreNotification } from '../../events/aws/objectRestored.v1.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { RESTORE_DELAYS } from '../../lib/adapters/embedded/objectRestores.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { crc32cHex } from '../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../lib/shared/crc32c/ofBytes.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { lockedObjectsContract } from './lockedObjects.suite.ts';
import { objectStoreContract } from './objectStore.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-objects-'));
afterAll(() => rmSync(folder, { recursive: true }));

function open(disk: Disk, database = openDatabase(':memory:'), clock = createManualClock()) {
  return createFileObjectStore({
    disk,
    database,
    bucket: 'models',
    region: 'local',
    clock,
    random: nodeRandom,
    hashPartsOf: 4,
  });
}

async function setup(disk: Disk) {
  const clock = createManualClock();
  const store = await open(disk, undefined, clock);
  const endRestores = () => clock.advance(RESTORE_DELAYS.standard);
  return { store, hastensRestores: true, partBytes: 1000, endRestores };
}

objectStoreContract('A folder', async () => setup(await createNodeDisk(mkdtempSync(join(folder, 'disk-')))));
objectStoreContract('MemDisk', () => setup(createMemDisk()));
const lockClock = createManualClock();
lockedObjectsContract(
  'A folder',
  async () => open(createMemDisk(), undefined, lockClock),
  () => lockClock.now(),
);

describe('the file object store', () => {
  it('removes a locked version once its time is over', async () => {
    const clock = createManualClock();
    const store = await open(createMemDisk(), undefined, clock);
    const retainUntil = EpochMs.parse(clock.now() + HOUR_MS);
    const written = await store.write('seals/1', Buffer.from('sealed'), { retainUntil });
    const versionId = written.outcome === 'written' ? written.versionId : '';
    await clock.advance(HOUR_MS - 1);
    await expect(store.remove('seals/1', versionId)).rejects.toMatchObject({ code: 'access-denied' });
    await clock.advance(1);
    await store.remove('seals/1', versionId);
    expect(await store.head('seals/1', versionId)).toEqual({ outcome: 'absent' });
  });

  const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
  async function* chunks(...texts: readonly string[]) {
    for (const text of texts) yield bytes(text);
  }

  it('hashes each part while it comes in, however the stream is cut', async () => {
    const database = openDatabase(':memory:');
    const store = await open(createMemDisk(), database);
    const written = await store.upload('uploads/a', chunks('012', '34567', '89'));
    const versionId = written.outcome === 'written' ? written.versionId : '';
    const sha256 = ['0123', '4567', '89'].map((text) => createHash('sha256').update(text).digest('hex'));
    const crc32c = ['0123', '4567', '89'].map((text) => crc32cHex(crc32cOf(bytes(text))));
    expect(await store.verifiedParts('uploads/a', versionId, 4)).toEqual({ sha256, crc32c });
    expect(await store.verifiedParts('uploads/a', versionId, 5)).toBeUndefined();
    // As earlier releases wrote it.
    database.prepare('UPDATE versions SET parts = ?').run(JSON.stringify(sha256));
    expect(await store.verifiedParts('uploads/a', versionId, 4)).toEqual({ sha256 });
    expect(await store.readRange('uploads/a', versionId, 2, 4)).toMatchObject({ bytes: bytes('2345') });
  });

  it('leaves nothing behind of an upload that breaks off', async () => {
    const disk = createMemDisk();
    const store = await open(disk);
    async function* broken() {
      yield bytes('some');
      throw new Error('the sender is gone');
    }
    await expect(store.upload('uploads/a', broken())).rejects.toThrow('the sender is gone');
    expect(await store.head('uploads/a')).toEqual({ outcome: 'absent' });
    expect(disk.tree().filter((path) => !path.endsWith('/'))).toEqual([]);
    expect(store.notifications(10)).toEqual([]);
  });

  it('notifies once that a restore has ended, and once that its days are over', async () => {
    const clock = createManualClock();
    const store = await open(createMemDisk(), undefined, clock);
    const written = await store.write('blobs/a', bytes('frozen'), { storageClass: 'DEEP_ARCHIVE' });
    const versionId = written.outcome === 'written' ? written.versionId : '';
    for (const { id } of store.notifications(10)) store.delivered(id);
    const told = () => {
      store.tellRestores();
      const events = store.notifications(10).map(({ event }) => RestoreNotification.parse(JSON.parse(event)));
      for (const { id } of store.notifications(10)) store.delivered(id);
      return events.map((event) => [event['detail-type'], event.detail.object['version-id']]);
    };
    expect(await store.restore('blobs/a', versionId, { tier: 'expedited', days: 1 })).toEqual({
      outcome: 'tier-unavailable',
    });
    await store.restore('blobs/a', versionId, { tier: 'bulk', days: 1 });
    expect(told()).toEqual([]);
    await clock.advance(RESTORE_DELAYS.bulk);
    expect(told()).toEqual([['Object Restore Completed', versionId]]);
    expect(told()).toEqual([]);
    await clock.advance(DAY_MS);
    expect(await store.readRange('blobs/a', versionId, 0, 1)).toEqual({ outcome: 'archived' });
    expect(told()).toEqual([['Object Restore Expired', versionId]]);
    expect(told()).toEqual([]);
  });

  it('ends a restore that was made faster when the faster one ends, once, and keeps the copy for the days first asked for', async () => {
    const clock = createManualClock();
    const store = await open(createMemDisk(), undefined, clock);
    const written = await store.write('blobs/a', bytes('frozen'), { storageClass: 'GLACIER' });
    const versionId = written.outcome === 'written' ? written.versionId : '';
    await store.restore('blobs/a', versionId, { tier: 'bulk', days: 1 });
    await clock.advance(MINUTE_MS);
    const readyAt = clock.now() + RESTORE_DELAYS.standard;
    expect(await store.restore('blobs/a', versionId, { tier: 'standard', days: 2 })).toEqual({
      outcome: 'restoring',
      readyAt,
    });
    for (const { id } of store.notifications(10)) store.delivered(id);
    await clock.advance(RESTORE_DELAYS.standard);
    store.tellRestores();
    expect(store.notifications(10)).toHaveLength(1);
    expect(await store.head('blobs/a')).toMatchObject({
      head: { restore: { state: 'restored', until: readyAt + DAY_MS } },
    });
    await clock.advance(RESTORE_DELAYS.bulk);
    store.tellRestores();
    expect(store.notifications(10)).toHaveLength(1);
  });

  it('counts a restore that an older release began as a standard one', async () => {
    const database = openDatabase(':memory:');
    database.exec(
      'CREATE TABLE restores (seq INTEGER PRIMARY KEY, ready_at INTEGER NOT NULL, until INTEGER NOT NULL, told INTEGER NOT NULL) STRICT',
    );
    const clock = createManualClock();
    const store = await open(createMemDisk(), database, clock);
    const written = await store.write('blobs/a', bytes('frozen'), { storageClass: 'GLACIER' });
    const versionId = written.outcome === 'written' ? written.versionId : '';
    const end = clock.now() + HOUR_MS;
    const insert = database.prepare(
      'INSERT INTO restores (seq, ready_at, until, told) SELECT seq, ?, ?, 0 FROM versions',
    );
    insert.run(end, end + DAY_MS);
    expect(await store.restore('blobs/a', versionId, { tier: 'standard', days: 1 })).toEqual({
      outcome: 'under-way',
      readyAt: end,
    });
    expect(await store.restore('blobs/a', versionId, { tier: 'expedited', days: 1 })).toMatchObject({
      outcome: 'restoring',
    });
  });

  it('notifies of every change in its order, until the delivery is confirmed', async () => {
    const store = await open(createMemDisk());
    const first = await store.write('uploads/a', bytes('x'));
    const versionId = first.outcome === 'written' ? first.versionId : '';
    await store.copy({ key: 'uploads/a', versionId }, 'blobs/b');
    await store.remove('uploads/a');
    await store.remove('blobs/b', 'none');
    await store.remove('uploads/a', versionId);
    const pending = store.notifications(10);
    const events = pending.map(({ event }) => UploadNotification.parse(JSON.parse(event)));
    expect(events.map((event) => [event['detail-type'], event.detail.object.key])).toEqual([
      ['Object Created', 'uploads/a'],
      ['Object Created', 'blobs/b'],
      ['Object Deleted', 'uploads/a'],
      ['Object Deleted', 'uploads/a'],
    ]);
    const sequencers = events.map((event) => event.detail.object.sequencer ?? '');
    expect(sequencers).toEqual(sequencers.toSorted());
    expect(new Set(sequencers).size).toBe(4);
    expect(store.notifications(10)).toEqual(pending);
    for (const { id } of pending.slice(0, 3)) store.delivered(id);
    expect(store.notifications(10)).toEqual(pending.slice(3));
  });

  it('keeps one file for all copies and removes it with the last', async () => {
    const disk = createMemDisk();
    const store = await open(disk);
    const files = () => disk.tree().filter((path) => !path.endsWith('/')).length;
    const source = await store.write('uploads/a', bytes('x'));
    const versionId = source.outcome === 'written' ? source.versionId : '';
    const copy = await store.copy({ key: 'uploads/a', versionId }, 'blobs/b');
    expect(files()).toBe(1);
    await store.remove('uploads/a', versionId);
    expect(files()).toBe(1);
    await store.remove('blobs/b', copy.outcome === 'written' ? copy.versionId : '');
    expect(files()).toBe(0);
  });

  it('holds after a power cut at any moment of a write what its index says, and no stray file', async () => {
    for (let stopAt = 1; ; stopAt += 1) {
      const disk = createMemDisk();
      const database = openDatabase(':memory:');
      const before = await open(disk, database);
      const kept = await before.write('uploads/kept', bytes('kept'));
      const { cut, finished } = stopping(disk, stopAt);
      const interrupted = await open(cut, database);
      const write = interrupted.write('uploads/new', bytes('new'));
      const outcome = await Promise.race([write.then(() => 'done'), finished]);
      disk.powerCut(() => stopAt % 2 === 0);
      const after = await open(disk, database);
      const files = disk.tree().filter((path) => !path.endsWith('/'));
      const found = await after.head('uploads/new');
      expect(files).toHaveLength(found.outcome === 'found' ? 2 : 1);
      if (found.outcome === 'found') {
        expect(await after.readRange('uploads/new', found.head.versionId, 0, 3)).toMatchObject({ bytes: bytes('new') });
      }
      const keptId = kept.outcome === 'written' ? kept.versionId : '';
      expect(await after.readRange('uploads/kept', keptId, 0, 4)).toMatchObject({ bytes: bytes('kept') });
      if (outcome === 'done') break;
    }
  });

  it('reports a file that was cut short as damaged', async () => {
    const disk = createMemDisk();
    const store = await open(disk);
    const written = await store.write('uploads/a', bytes('whole'));
    const file =
      disk
        .tree()
        .find((path) => path.endsWith('(5)'))
        ?.replace(' (5)', '') ?? '';
    await disk.truncate(file, 2);
    const versionId = written.outcome === 'written' ? written.versionId : '';
    await expect(store.readRange('uploads/a', versionId, 0, 5)).rejects.toMatchObject({ code: 'corrupt' });
  });
});

/** A disk whose `stopAt`-th call, and all later ones, never settle: the process stopped there. */
function stopping(disk: Disk, stopAt: number): { readonly cut: Disk; readonly finished: Promise<string> } {
  let calls = 0;
  const { promise: finished, resolve: stop } = Promise.withResolvers<string>();
  const cut = new Proxy(disk, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return (...parameters: unknown[]): unknown => {
        calls += 1;
        // The first two calls open the store.
        if (calls - 2 < stopAt) return Reflect.apply(method, target, parameters);
        stop('stopped');
        return new Promise(() => undefined);
      };
    },
  });
  return { cut, finished };
}
