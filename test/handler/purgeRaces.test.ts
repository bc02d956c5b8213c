import { describe, expect, it } from 'vitest';
import { BlobRow } from '../../lib/catalog/index.ts';
import { createDeletionWorld } from '../support/deletionWorld.ts';
import { correlationId, digestOf } from '../support/fleetWorld.ts';
import type { Between } from '../support/interruption.ts';

describe('a purge, while it counts the references of a blob', () => {
  it('takes the blob away although the other version that needs it is purged as well', async () => {
    const moment: Moment = {};
    const world = await createDeletionWorld(afterRowsWereRead('REFERENCE#', moment));
    for (const name of ['flux', 'other']) await world.publish(name, '1.0.0', { f: 'a' });
    for (const name of ['flux', 'other']) await world.remove(name, '1.0.0', { undoDays: 0 });
    moment.act = async () => expect(await world.deliverPurge(purgeOf('other'))).toBe(true);
    expect(await world.deliverPurge(purgeOf('flux'))).toBe(true);
    expect(await world.tombstone('other', '1.0.0')).toMatchObject({ state: 'purged' });
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged', freedBytes: 100 });
    expect(await world.left('a')).toEqual({ rows: [], objects: 0 });
  });

  it('keeps the blob when another version with the same bytes is published', async () => {
    const moment: Moment = {};
    const world = await createDeletionWorld(afterRowsWereRead('REFERENCE#', moment));
    await world.publish('flux', '1.0.0', { f: 'a' });
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    moment.act = async () => {
      const { value: blob, version: seen } = (await BlobRow.get(world.catalog, digestOf('a')))!;
      await world.catalog.transact([BlobRow.put(blob, { version: seen })]);
      await world.publish('other', '1.0.0', { f: 'a' });
    };
    expect(await world.deliverPurge(purgeOf('flux'))).toBe(true);
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged' });
    expect(await world.left('a')).toEqual({ rows: ['META', 'REFERENCE', 'REPLICA'], objects: 2 });
  });
});

describe('a purge that has read the copies of a blob', () => {
  it('waits for a host that is found to hold it meanwhile', async () => {
    const moment: Moment = {};
    const world = await createDeletionWorld(afterRowsWereRead('REPLICA#', moment));
    await world.publish('flux', '1.0.0', { f: 'a' });
    const host = await world.addHost('gpu-a', {});
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    const residents = [digestOf('a')];
    moment.act = async () => void (await world.deliver('heartbeats', host.heartbeat({ residents })));
    expect(await world.deliverPurge(purgeOf('flux'))).toBe(true);
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purging' });
    expect((await world.left('a')).rows).toContain('META');
  });
});

const purgeOf = (name: string) => ({ schema: 'purge-version/1', model: name, version: '1.0.0', correlationId });

interface Moment {
  act?: () => Promise<void>;
}

/** Lets something happen once, right after such rows of a blob were read. */
function afterRowsWereRead(kind: 'REFERENCE#' | 'REPLICA#', moment: Moment): Between {
  return {
    objects: (store) => store,
    catalog: (store) => ({
      ...store,
      async query(query) {
        const page = await store.query(query);
        const { act } = moment;
        if (act === undefined || query.from?.startsWith(kind) !== true) return page;
        delete moment.act;
        await act();
        return page;
      },
    }),
  };
}
