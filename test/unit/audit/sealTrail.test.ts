import { describe, expect, it } from 'vitest';
import { sealTrail } from '../../../lib/audit/index.ts';
import { SealHeadRow, UNSEALED_SHARDS, UnsealedRow } from '../../../lib/catalog/index.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import { createTrail, type Trail } from './trail.ts';

const FIRST = 'seals/000000000001.json';
const cut = () => Promise.reject(new PortError({ code: 'unavailable', message: 'cut', retryable: true }));

async function unsealed({ catalog }: Trail): Promise<number> {
  let rows = 0;
  for (let shard = 0; shard < UNSEALED_SHARDS; shard += 1)
    rows += (await catalog.query({ partition: `UNSEALED#${shard}`, limit: 1000 })).items.length;
  return rows;
}

const sealKeys = async ({ seals }: Trail) =>
  (await seals.listVersions({ prefix: 'seals/', limit: 1000 })).versions.map(({ key }) => key);

describe('the sealer', () => {
  it('locks every entry away once, in seals that are chained', async () => {
    const trail = await createTrail();
    for (const object of ['a', 'b', 'a']) await trail.record(object);
    await trail.seal();
    await trail.seal();
    await trail.record('b');
    await trail.seal();
    expect(await sealKeys(trail)).toEqual([FIRST, 'seals/000000000002.json']);
    expect(await unsealed(trail)).toBe(0);
    expect(await trail.verify()).toEqual({ seals: 2, objects: 2, entries: 4, unsealed: 0 });
  });

  it('writes no seal where nothing happened', async () => {
    const trail = await createTrail();
    await trail.seal();
    expect(await sealKeys(trail)).toEqual([]);
  });

  it('makes as many seals as it takes', async () => {
    const trail = await createTrail();
    for (let one = 0; one < 620; one += 1) await trail.record(`object-${one % 7}`);
    await trail.seal();
    expect(await sealKeys(trail)).toHaveLength(2);
    expect(await trail.verify()).toMatchObject({ seals: 2, entries: 620, unsealed: 0 });
  });

  it('refuses to have a seal removed before its retention is over', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    const head = await trail.seals.head(FIRST);
    const versionId = head.outcome === 'found' ? head.head.versionId : '';
    await expect(trail.seals.remove(FIRST, versionId)).rejects.toMatchObject({ code: 'access-denied' });
  });

  it('finishes what a run that was cut off after its seal had begun, without sealing anything twice', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.record('b');
    // The seal is locked; nothing of it is known to the catalog.
    await expect(trail.seal({ catalog: { ...trail.catalog, transact: cut } })).rejects.toMatchObject({
      message: 'cut',
    });
    await trail.record('a');
    expect(await sealKeys(trail)).toEqual([FIRST]);
    expect(await trail.verify()).toEqual({ seals: 1, objects: 2, entries: 3, unsealed: 1 });
    await trail.seal();
    expect(await sealKeys(trail)).toHaveLength(2);
    expect(await trail.verify()).toEqual({ seals: 2, objects: 2, entries: 3, unsealed: 0 });
  });

  it('takes the seal that another run locked first, and seals the rest after it', async () => {
    const trail = await createTrail();
    await trail.record('a');
    let overtaken = false;
    const seals = {
      ...trail.seals,
      write: async (...args: Parameters<typeof trail.seals.write>) => {
        if (!overtaken) {
          overtaken = true;
          await trail.record('b');
          await trail.seal();
        }
        return trail.seals.write(...args);
      },
    };
    await trail.seal({ seals });
    expect(await sealKeys(trail)).toEqual([FIRST]);
    expect(await trail.verify()).toEqual({ seals: 1, objects: 2, entries: 2, unsealed: 0 });
  });

  it('goes by what was written first under a number, whatever was laid over it', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    await trail.seals.remove(FIRST);
    await trail.seals.write(FIRST, Buffer.from('forged'));
    await trail.record('a');
    await trail.seal();
    expect(await trail.verify()).toMatchObject({ seals: 0, broken: { what: 'covered', number: 1 } });
  });

  it('stops at a seal that somebody else wrote under the next number', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seals.write(FIRST, Buffer.from('{}'));
    await expect(trail.seal()).rejects.toMatchObject({ code: 'seal-mismatch' });
    expect(await unsealed(trail)).toBe(1);
  });

  it('stops when a seal holds what the catalog has otherwise', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await expect(trail.seal({ catalog: { ...trail.catalog, transact: cut } })).rejects.toThrow('cut');
    const [entry] = await trail.entries('a');
    await trail.forge('a', 1, entry === undefined ? undefined : { ...entry, text: 'otherwise' });
    await expect(trail.seal()).rejects.toMatchObject({
      code: 'seal-mismatch',
      message: expect.stringContaining('of a'),
    });
  });

  it('stops when the catalog names another seal than the one that is locked', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    const head = await SealHeadRow.get(trail.catalog);
    const forged = { number: 7, hash: 'f'.repeat(64), sealedAt: trail.clock.now() };
    await trail.catalog.transact([SealHeadRow.put(forged, { version: head?.version ?? 0 })]);
    await trail.record('a');
    await expect(trail.seal()).rejects.toMatchObject({ code: 'seal-mismatch' });
    expect(await trail.verify()).toMatchObject({ broken: { what: 'truncated', number: 2 } });
  });

  it('seals the rest when an entry was taken away before its seal, and tells', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.record('b');
    await trail.forge('a', 1, undefined);
    await expect(trail.seal()).rejects.toMatchObject({
      code: 'entry-missing',
      message: expect.stringContaining('of a'),
    });
    expect(await unsealed(trail)).toBe(1);
    expect(await trail.verify()).toMatchObject({ broken: { what: 'truncated', object: 'a', number: 1 } });
  });

  it('says how long the oldest entry has waited', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.clock.advance(299_999);
    await trail.seal();
    await trail.seal();
    const lags = trail.recorded.metrics.filter(({ name }) => name === 'AuditLag').map(({ value }) => value);
    expect(lags).toEqual([300_000, 0]);
  });

  it('takes an entry that cannot be read for one that is gone, and seals the rest', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.record('b');
    const [entry] = await trail.entries('a');
    await trail.forge('a', 1, { ...entry!, extra: 1 } as never);
    const row = { key: { partition: 'UNSEALED#0', sort: 'odd' }, body: { v: 1 } };
    await trail.catalog.transact([{ kind: 'put', item: row, expect: 'absent' }]);
    await expect(trail.seal()).rejects.toMatchObject({ code: 'entry-missing' });
    expect(await sealKeys(trail)).toEqual([FIRST]);
    expect(await unsealed(trail)).toBe(2);
  });

  it('comes to every shard while one has more than a seal holds, and tells of the oldest in the end', async () => {
    const trail = await createTrail();
    const inShard = (shard: number, count: number) => {
      const names = Array.from({ length: 12 * count + 200 }, (_, index) => `object-${index}`);
      return names.filter((name) => UnsealedRow.key(name, 1).partition === `UNSEALED#${shard}`).slice(0, count);
    };
    for (const object of inShard(1, 1)) await trail.record(object);
    await trail.clock.advance(600_000);
    for (const object of inShard(0, 1100)) await trail.record(object);
    // Time for two seals, of which the first is full of what came later.
    let looks = 0;
    const call = { ...trail.call, remainingMs: () => ((looks += 1) > 3 ? 0 : 60_000) };
    await sealTrail(trail.deps, call);
    const [lag] = trail.recorded.metrics.filter(({ name }) => name === 'AuditLag');
    expect(lag?.value).toBeGreaterThan(600_000);
  });
});
