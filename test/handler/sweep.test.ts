import { describe, expect, it } from 'vitest';
import { BlobRow, ReplicaRow, shardOf, SWEEP_SHARDS } from '../../lib/catalog/index.ts';
import { compileRates, replayTier, TIER_RULES } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { partHash } from '../../lib/shared/digest.ts';
import { Digest, HostId, hostLocation } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { blobOf } from '../support/fleetWorld.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

async function addHostCopy(world: TieringWorld, digest: Digest, over: object) {
  const host = HostId.parse('gpu-a');
  await world.catalog.transact([
    ReplicaRow.put(
      {
        digest,
        location: hostLocation('nvme', host),
        host: { id: host, generation: 1 },
        state: 'verified',
        bytes: Bytes.parse(1),
        versionId: 'v',
        pinned: false,
        checkedAt: world.clock.now(),
        ...over,
      },
      'absent',
    ),
  ]);
}

describe('the daily sweep', () => {
  it('starts once however often its moment fires, with one message per shard', async () => {
    const world = await createTieringWorld();
    const at = world.clock.now();
    await world.fireSweep(at);
    await world.fireSweep(at);
    const messages = await world.takeOutbox();
    expect(messages.map(({ body }) => (body as { shard: number }).shard).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: SWEEP_SHARDS }, (_, shard) => shard),
    );
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    expect(await world.takeOutbox()).toHaveLength(SWEEP_SHARDS);
  });

  it('moves an idle blob to the class that the rules name, and explains it with dollars that replay', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await world.fireSweep();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({
      origin: { storageClass: 'STANDARD_IA', location: 's3:eu-west-1:STANDARD_IA' },
      tier: 'warm',
      previousTier: 'hot',
      transitionedAt: world.clock.now(),
    });
    const [action] = await world.actions(blob.digest);
    const rates = compileRates(shippedPriceBook());
    expect(action).toMatchObject({
      type: 'transition',
      state: 'done',
      reason: 'young-content',
      chosen: 'transition STANDARD_IA',
      policy: `rules-1 ${rates.prices.id}`,
      outcome: { code: 'switched' },
    });
    expect(action?.alternatives.map((one) => one.action)).toContain('keep STANDARD');
    expect(replayTier(action!.inputs, TIER_RULES, rates)).toMatchObject({
      action: 'transition',
      to: 'STANDARD_IA',
      reason: action!.reason,
    });
  });

  it.each([
    ['new content', 3, 'STANDARD', 'already-there'],
    ['what left its class lately', 10, 'STANDARD_IA', 'already-there'],
    ['archived content that is not old enough for the archive', 400, 'GLACIER', 'needs-restore'],
  ] as const)('leaves %s where it is', async (_name, ageDays, storageClass, reason) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, ageDays, storageClass);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', reason)).toBe(1);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
    expect(await world.actions(blob.digest)).toEqual([]);
  });

  it.each([
    ['a host is filling from it', { state: 'reserved' }],
    ['a host has pinned it', { pinned: true }],
  ])('leaves a blob where it is while %s', async (_name, over) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await addHostCopy(world, blob.digest, over);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', 'held')).toBe(1);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('sends nothing twice when a page is delivered twice, and waits for a transition that is under way', async () => {
    const world = await createTieringWorld();
    await world.addBlob(1, 40);
    await world.fireSweep();
    const pages = await world.takeOutbox();
    for (const { body } of [...pages, ...pages]) await world.deliver('sweep', body);
    expect(world.counted('TierDecided', 'sent-before')).toBe(1);
    const transitions = await world.takeOutbox();
    expect(transitions.map(({ queue }) => queue)).toEqual(['transition']);
    await world.deliver('transition', transitions[0]!.body);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    for (const { queue, body } of await world.takeOutbox()) if (queue === 'sweep') await world.deliver('sweep', body);
    expect(world.counted('TierDecided', 'transition-under-way')).toBe(1);
  });

  it('reaches every blob of a shard larger than its pages, each once', async () => {
    const world = await createTieringWorld();
    const now = world.clock.now();
    const digests = Array.from({ length: 2500 }, (_, seed) => Digest.parse(partHash(Buffer.from(`blob ${seed}`))));
    const ofOneShard = digests.filter((digest) => shardOf(digest, SWEEP_SHARDS) === 5);
    for (const digest of ofOneShard) {
      await world.catalog.transact([BlobRow.put({ ...blobOf('a', now), digest }, 'absent')]);
    }
    expect(ofOneShard.length).toBeGreaterThan(110);
    await world.fireSweep();
    expect(await world.run()).toBe(SWEEP_SHARDS + Math.ceil(ofOneShard.length / 50) - 1);
    expect(world.counted('TierDecided', 'already-there')).toBe(ofOneShard.length);
  });
});
