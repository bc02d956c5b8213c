import { describe, expect, it } from 'vitest';
import { type Action, ActionRow, BlobRow, OrphanRow } from '../../lib/catalog/index.ts';
import { explainDelete, purgeDue, replayDelete } from '../../lib/deletion/index.ts';
import { doctor } from '../../lib/operations/doctor.ts';
import { createOperations } from '../../lib/operations/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { ActionId } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, MINUTE_MS } from '../../lib/shared/units.ts';
import { createDeletionWorld, type DeletionWorld } from '../support/deletionWorld.ts';
import { correlationId, digestOf } from '../support/fleetWorld.ts';
import { createInterruption, type Moment } from '../support/interruption.ts';

const PURGE = { schema: 'purge-version/1', model: 'flux', version: '1.0.0', correlationId };

async function receiptsOf(world: DeletionWorld): Promise<readonly Action[]> {
  const page = await world.catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${digestOf('a')}`, limit: 10 });
  return page.items.map((item) => ActionRow.parse(item).value).filter(({ type }) => type === 'delete');
}

/** A purge of one file whose process ends at one of its calls. */
async function purgeCutAt(nth: number, moment: Moment) {
  const interruption = createInterruption();
  const world = await createDeletionWorld(interruption);
  await world.publish('flux', '1.0.0', { 'a.safetensors': 'a' });
  await world.remove('flux', '1.0.0', { undoDays: 0 });
  interruption.cutAt(nth, moment);
  const done = await world.deliverPurge(PURGE);
  const calls = interruption.calls(moment);
  interruption.cutAt(0);
  return { world, calls, done };
}

async function purged() {
  const { world } = await purgeCutAt(0, 'before');
  const [receipt] = await receiptsOf(world);
  return { world, receipt: receipt ?? expect.fail('the delete has no receipt') };
}

describe('the receipt of a delete', () => {
  it('replays to the same decision and the same dollars', async () => {
    const { receipt } = await purged();
    const again = replayDelete(receipt.inputs, compileRates(shippedPriceBook()));
    if (again?.action !== 'delete') expect.fail(JSON.stringify(again));
    expect(receipt.chosen).toBe(again.action);
    expect(receipt.alternatives).toMatchObject([
      { action: 'delete', usd: again.earlyDeletionUsd },
      { action: 'keep', usd: again.usdPerMonth },
    ]);
    expect(again.usdPerMonth).toBeGreaterThan(0);
    expect(replayDelete('{"decision":"tier"}', compileRates(shippedPriceBook()))).toBeUndefined();
  });

  it('says what was looked at: the window, the references, the copies and the versions that were judged', async () => {
    const { receipt } = await purged();
    const { facts } = JSON.parse(receipt.inputs);
    expect(facts.version).toMatchObject({ model: 'flux', version: '1.0.0', state: 'purging' });
    expect(facts.references).toEqual([{ model: 'flux', version: '1.0.0' }]);
    expect(facts.copies).toMatchObject([{ state: 'verified', pinned: false }]);
    expect(facts.objects).toMatchObject([
      { object: 'bytes', size: 100, named: 100 },
      { object: 'manifest', size: 2 },
    ]);
  });

  it('is done only when the objects are gone, wherever the purge is killed, and ends once', async () => {
    const states = new Set<string>();
    for (const moment of ['before', 'after'] as const) {
      const { calls } = await purgeCutAt(0, moment);
      for (let nth = 1; nth <= calls; nth += 1) {
        const { world, done } = await purgeCutAt(nth, moment);
        const [cut] = await receiptsOf(world);
        states.add(cut?.state ?? 'undecided');
        if (cut?.state === 'done') expect((await world.left('a')).objects).toBe(0);
        if (!done) expect(await world.deliverPurge(PURGE)).toBe(true);
        expect(await receiptsOf(world)).toMatchObject([{ state: 'done', outcome: { code: 'purged' } }]);
      }
    }
    expect([...states].toSorted()).toEqual(['done', 'pending', 'undecided']);
  });

  it('is ended by the schedule a day later, when nobody else goes on with the delete', async () => {
    const found: string[] = [];
    for (let nth = 1, { calls } = await purgeCutAt(0, 'after'); nth <= calls; nth += 1) {
      const { world } = await purgeCutAt(nth, 'after');
      const [cut] = await receiptsOf(world);
      if (cut?.state !== 'pending') continue;
      await world.clock.advance(DAY_MS);
      await world.runPurge();
      found.push((await receiptsOf(world))[0]?.state ?? 'none');
      expect(await world.left('a')).toEqual({ rows: [], objects: 0 });
    }
    expect(new Set(found)).toEqual(new Set(['done']));
  });

  it('fails while an object is not the one that was judged, and the others go', async () => {
    const world = await differing();
    const [failed] = await receiptsOf(world);
    expect(failed).toMatchObject({ state: 'failed', outcome: { code: 'object-differs' } });
    expect(explainDelete(failed ?? expect.fail())).toMatch(
      /was deleted, perhaps not all of it: Version \w+ is not the/,
    );
    const { versions } = await world.objects.listVersions({ prefix: blobKey(digestOf('a')), limit: 10 });
    expect(versions.map(({ key }) => key)).toEqual([blobKey(digestOf('a'))]);
  });

  it('is gone on with once a day while it cannot end', async () => {
    const world = await differing();
    expect(await goneOnWith(world)).toBe(0);
    for (const _ of [1, 2]) {
      await world.clock.advance(DAY_MS);
      expect(await goneOnWith(world)).toBe(1);
      await world.clock.advance(DAY_MS / 2);
      expect(await goneOnWith(world)).toBe(0);
    }
    expect(await receiptsOf(world)).toMatchObject([{ state: 'failed' }]);
  });

  it('is done the day after the object has gone', async () => {
    const world = await differing();
    const { versions } = await world.objects.listVersions({ prefix: blobKey(digestOf('a')), limit: 10 });
    for (const { key, versionId } of versions) await world.objects.remove(key, versionId);
    await world.clock.advance(DAY_MS);
    await world.runPurge();
    const [done] = await receiptsOf(world);
    expect(done).toMatchObject({ state: 'done', outcome: { code: 'purged' } });
    expect(done?.retryAt).toBeUndefined();
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged' });
    expect((await world.tombstone('flux', '1.0.0'))?.stuck).toBeUndefined();
  });

  it('is not made where the bucket has other bytes than the catalog says, which operators are told, once a day', async () => {
    const world = await createDeletionWorld();
    await world.publish('flux', '1.0.0', { 'a.safetensors': 'a' });
    const blob = (await BlobRow.get(world.catalog, digestOf('a'))) ?? expect.fail();
    const other = { ...blob.value, size: Bytes.parse(blob.value.size + 1) };
    await world.catalog.transact([BlobRow.put(other, { version: blob.version })]);
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    await world.clock.advance(DAY_MS);
    let tries = 0;
    for (let quarter = 0; quarter < 2 * 96; quarter += 1) {
      await purgeDue(world.deps, world.clock.now(), () => 60_000);
      for (const { queue, body } of await world.takeOutbox()) {
        if (queue !== 'purge') continue;
        tries += 1;
        expect(await world.deliverPurge(body)).toBe(true);
      }
      await world.clock.advance(15 * MINUTE_MS);
    }
    expect(tries).toBe(2);
    expect(await world.left('a')).toMatchObject({ objects: 2 });
    const [kept] = await receiptsOf(world);
    expect(kept).toMatchObject({ state: 'failed', chosen: 'keep', outcome: { code: 'object-differs' } });
    expect(replayDelete(kept?.inputs ?? '', compileRates(shippedPriceBook()))).toEqual({
      action: 'keep',
      reason: 'object-differs',
    });
    expect(explainDelete(kept ?? expect.fail())).toContain('was not deleted: The bucket has another object as version');
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({
      state: 'purging',
      stuck: { digest: digestOf('a') },
    });
    // Also where nobody has tried it since it was due.
    for (const later of [0, DAY_MS + 1, 9 * DAY_MS]) {
      const checks = await doctor({ catalog: world.catalog } as never, EpochMs.parse(world.clock.now() + later));
      expect(checks.find(({ check }) => check === 'purges')).toMatchObject({
        status: 'FAILED',
        detail: `stuck: flux@1.0.0 (${digestOf('a').slice(0, 12)})`,
      });
    }
    await world.catalog.transact([BlobRow.put(blob.value, { version: blob.version + 1 })]);
    await world.clock.advance(DAY_MS);
    await world.runPurge();
    expect(await world.left('a')).toEqual({ rows: [], objects: 0 });
    expect((await receiptsOf(world))[0]).toMatchObject({ state: 'done', chosen: 'delete' });
  });

  it('ends as failed when no row says any more what is left', async () => {
    const world = await differing();
    for (const { digest, object, versionId } of await world.orphans('a')) {
      const { version } = (await OrphanRow.get(world.catalog, digest, object, versionId)) ?? expect.fail();
      const key = OrphanRow.key(digest, object, versionId);
      await world.catalog.transact([{ kind: 'delete', key, expect: { version } }]);
    }
    await world.clock.advance(DAY_MS);
    expect(await goneOnWith(world)).toBe(0);
    const [ended] = await receiptsOf(world);
    expect(ended).toMatchObject({ state: 'failed', outcome: { code: 'remains-unknown' } });
    expect(explainDelete(ended ?? expect.fail())).toContain('was deleted, perhaps not all of it: No row says');
  });

  it('is printed in words, also though the version is gone', async () => {
    const { world, receipt } = await purged();
    const operations = createOperations({ ...world.deps, objects: world.objects, seals: undefined } as never);
    const { texts, deleted } = await operations.explain({ reference: 'flux@1.0.0' });
    expect(deleted).toBe(true);
    const { versionId, etag } = JSON.parse(receipt.inputs).facts.objects[0];
    const at = new Date(receipt.decidedAt).toISOString();
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain(
      `${digestOf('a').slice(0, 12)} (100 B in STANDARD) was deleted; at ${at} all of it was gone.`,
    );
    expect(texts[0]).toContain('no legal hold and no retention stood against it.');
    expect(texts[0]).toContain('1 reference, 0 of them of other versions; 1 copy, 0 of them on hosts.');
    expect(texts[0]).toContain(`its bytes: version ${versionId}, 100 B, ETag ${etag}`);
    expect(await operations.explain({ reference: 'flux@1.0.0' })).toMatchObject({ older: false });
    for (let later = 0; later < 20; later += 1) {
      const actionId = ActionId.parse(`later-${later}`);
      await world.catalog.transact([ActionRow.put({ ...receipt, actionId }, 'absent')]);
    }
    const known = await operations.explain({ reference: 'flux@1.0.0' });
    expect([known.actions.length, known.older]).toEqual([20, true]);
    expect(texts[0]).toMatch(/Deleting charges \$0.* once, for early deletion; keeping it \$.* each month\./);
  });
});

/** A purge that found another object than the one that was judged. */
async function differing(): Promise<DeletionWorld> {
  const world = await createDeletionWorld(differingAfter(createInterruption()));
  await world.publish('flux', '1.0.0', { 'a.safetensors': 'a' });
  await world.remove('flux', '1.0.0', { undoDays: 0 });
  expect(await world.deliverPurge(PURGE)).toBe(true);
  return world;
}

/** How many deletes that have begun one run goes on with. */
async function goneOnWith(world: DeletionWorld): Promise<number> {
  await world.takeOutbox();
  await purgeDue(world.deps, world.clock.now(), () => 60_000);
  const sent = await world.takeOutbox();
  return sent.filter(({ body }) => (body as { schema: string }).schema === 'purge-blob/1').length;
}

/** The bucket answers another ETag once the rows are gone. */
function differingAfter(between: ReturnType<typeof createInterruption>): ReturnType<typeof createInterruption> {
  let looks = 0;
  return {
    ...between,
    objects: (store) => ({
      ...store,
      async head(key, versionId) {
        const found = await store.head(key, versionId);
        if (key !== blobKey(digestOf('a')) || found.outcome === 'absent') return found;
        looks += 1;
        return looks < 2 ? found : { ...found, head: { ...found.head, etag: 'another' } };
      },
    }),
  };
}
