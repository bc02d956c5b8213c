import { describe, expect, it } from 'vitest';
import {
  AccessMonthRow,
  AliasRow,
  BlobRow,
  ModelRow,
  ReplicaRow,
  RestoreRow,
  UploadRow,
} from '../../../lib/catalog/index.ts';
import { listRetired, listStored } from '../../../lib/operations/stored.ts';
import {
  ActionId,
  CorrelationId,
  type Digest,
  Generation,
  HostId,
  hostLocation,
  Location,
  ModelName,
  SemVer,
} from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, GIB } from '../../../lib/shared/units.ts';
import { createTieringWorld, type TieringWorld } from '../../support/tieringWorld.ts';

async function everythingStored(world: TieringWorld) {
  const items: Awaited<ReturnType<typeof listStored>>['items'] = [];
  let nextToken: string | undefined;
  do {
    const page = await listStored(world.deps, { limit: 2, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return items;
}

async function read(world: TieringWorld, digest: Digest, daysAgo: number, times = 1, hits = 0): Promise<void> {
  const lastAt = EpochMs.parse(world.clock.now() - daysAgo * DAY_MS);
  const day = new Date(lastAt).toISOString();
  const [month, date] = [day.slice(0, 7), day.slice(8, 10)];
  const misses = { [date]: times - hits };
  const row = { digest, shard: 0, month, days: { [date]: times }, misses, hits, lastAt, lastMissAt: lastAt };
  await world.catalog.transact([AccessMonthRow.put(row, 'absent')]);
}

async function upload(world: TieringWorld, name: string, over: object): Promise<void> {
  const now = world.clock.now();
  const target = { model: ModelName.parse('flux'), version: SemVer.parse('1.0.0'), file: name };
  const row = UploadRow.put(
    {
      key: `uploads/flux/1.0.0/${name}`,
      versionId: 'v1',
      state: 'ready',
      size: Bytes.parse(1000),
      etag: 'e',
      target,
      correlationId: CorrelationId.parse('test'),
      observedAt: now,
      movedAt: now,
      hop: 0,
      ...over,
    } as Parameters<typeof UploadRow.put>[0],
    'absent',
  );
  await world.catalog.transact([row]);
}

describe('what is stored', () => {
  it('is every blob and every upload once, over all shards and pages', async () => {
    const world = await createTieringWorld();
    const digests: string[] = [];
    for (let seed = 0; seed < 12; seed += 1) digests.push((await world.addBlob(seed, 40)).digest);
    await upload(world, 'a', {});
    await upload(world, 'b', { state: 'quarantined' });
    await upload(world, 'c', { state: 'observed' });
    await upload(world, 'gone', { removal: { at: world.clock.now(), reason: 'published', done: true } });
    const stored = await everythingStored(world);
    const key = (name: string) => `uploads/flux/1.0.0/${name}`;
    expect(stored.map(({ name }) => name).toSorted()).toEqual([...digests, key('a'), key('b'), key('c')].toSorted());
    const kinds = Object.fromEntries(stored.map(({ name, copies }) => [name, copies[0]?.kind]));
    expect(kinds).toMatchObject({ [key('a')]: 'uploaded', [key('b')]: 'refused', [key('c')]: 'arriving' });
  });

  it.each([
    [29, undefined],
    [30, 0.6],
  ])('compresses to what was measured if it came %i days ago: %s', async (days, ratio) => {
    const world = await createTieringWorld();
    const { digest } = await world.addBlob(1, days);
    const row = (await BlobRow.get(world.catalog, digest)) ?? expect.fail();
    const compressibility = { encoding: 'byteplane-zstd-1', ratio: 0.6, sampledBytes: row.value.size } as const;
    await world.catalog.transact([BlobRow.put({ ...row.value, compressibility }, { version: row.version })]);
    expect((await everythingStored(world)).map((one) => one.ratio)).toEqual([ratio]);
  });

  it('has the copies of a blob in the bucket and on hosts, and who needs it', async () => {
    const world = await createTieringWorld();
    const { digest, size, origin } = await world.addBlob(1, 40, 'GLACIER');
    await world.refer(digest, 'flux', '1.0.0');
    await world.refer(digest, 'flux', '1.1.0');
    const now = world.clock.now();
    const host = HostId.parse('gpu-1');
    const copy = { digest, state: 'verified', bytes: size, versionId: 'v', pinned: false, checkedAt: now } as const;
    const at = (id: HostId) => ({ location: hostLocation('nvme', id), host: { id, generation: Generation.parse(1) } });
    const correlationId = CorrelationId.parse('test');
    await world.catalog.transact([
      ReplicaRow.put({ ...copy, ...at(host) }, 'absent'),
      ReplicaRow.put({ ...copy, ...at(HostId.parse('gpu-2')), state: 'reserved' }, 'absent'),
      ReplicaRow.put({ ...copy, state: 'evicting', location: Location.parse('s3:eu-west-1:STANDARD_IA') }, 'absent'),
      RestoreRow.put(
        {
          digest,
          versionId: origin.versionId,
          state: 'restored',
          actionId: ActionId.parse('restore-1'),
          tier: 'bulk',
          to: 'STANDARD',
          attempt: 1,
          askedAt: now,
          readyAt: now,
          dueAt: now,
          correlationId,
        },
        'absent',
      ),
    ]);
    const [one] = await everythingStored(world);
    expect(one).toMatchObject({ name: digest, models: ['flux'], references: 2, reads: 0 });
    expect(one?.copies.map(({ kind, tier, region, host: on }) => [kind, tier, region ?? on])).toEqual([
      ['origin', 'GLACIER', 'eu-west-1'],
      ['host', 'nvme', 'gpu-1'],
      ['replaced', 'STANDARD_IA', 'eu-west-1'],
      ['restored', 'STANDARD', 'eu-west-1'],
    ]);
    expect(one?.copies[0]?.freeAt).toBe(now + 50 * DAY_MS);
  });

  it('charges the reads that hosts had to make, not those that their copies answered', async () => {
    const world = await createTieringWorld();
    const { digest, size } = await world.addBlob(1, 40, 'STANDARD_IA');
    await read(world, digest, 2, 10, 7);
    const [one] = await everythingStored(world);
    expect(one?.reads).toBeCloseTo(3, 12);
    expect(one?.copies[0]?.retrievalUsd).toBeCloseTo((3 * 0.01 * size) / 2 ** 30, 15);
  });

  it('goes on only from a token that it answered', async () => {
    const world = await createTieringWorld();
    await expect(listStored(world.deps, { limit: 10, nextToken: '99 x' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });
});

describe('versions that nobody seems to need', () => {
  const MODEL = ModelName.parse('flux');

  async function model(world: TieringWorld, newest: string): Promise<void> {
    const now = world.clock.now();
    const row = { name: MODEL, createdAt: now, updatedAt: now, versions: 1, newest: SemVer.parse(newest) };
    await world.catalog.transact([ModelRow.put(row, 'absent')]);
  }
  const found = async (world: TieringWorld) =>
    (await listRetired(world.deps, { limit: 10 })).items.map(({ version, state, files }) => [version, state, files]);
  const old = (world: TieringWorld) => ({ publishedAt: EpochMs.parse(world.clock.now() - 90 * DAY_MS) });

  it('are deprecated ones, and old ones that nobody read, with what only they have', async () => {
    const world = await createTieringWorld();
    await model(world, '4.0.0');
    const blobs = await Promise.all([1, 2, 3, 4].map((seed) => world.addBlob(seed, 90)));
    const [a, b, c, d] = blobs.map(({ digest }) => digest);
    // Small objects pay more for a move than it saves.
    const large = { ...blobs[1]!, size: Bytes.parse(10 * GIB) };
    await world.catalog.transact([BlobRow.put(large, { version: 1 })]);
    await world.refer(a!, 'flux', '1.0.0', { ...old(world), deprecated: true });
    await world.refer(b!, 'flux', '2.0.0', old(world));
    await world.refer(c!, 'flux', '3.0.0', old(world));
    await world.refer(d!, 'flux', '4.0.0', old(world));
    await read(world, c!, 3);
    expect(await found(world)).toEqual([
      ['2.0.0', 'superseded', 1],
      ['1.0.0', 'retired', 1],
    ]);
    const { items } = await listRetired(world.deps, { limit: 10 });
    const retired = items.find(({ version }) => version === '1.0.0');
    expect(retired?.savedUsdPerMonth).toBeCloseTo((0.023 * 200_000) / 2 ** 30, 12);
  });

  it('are none that are held, retained, named by an alias, new, or whose bytes another version has', async () => {
    const world = await createTieringWorld();
    await model(world, '9.0.0');
    const now = world.clock.now();
    const refer = async (seed: number, version: string, over: object) => {
      const { digest } = await world.addBlob(seed, 90);
      await world.refer(digest, 'flux', version, { ...old(world), ...over });
      return digest;
    };
    const hold = { reason: 'court', since: now };
    await refer(1, '1.0.0', { deprecated: true, hold });
    await refer(2, '2.0.0', { deprecated: true, retainUntil: EpochMs.parse(now + DAY_MS) });
    await refer(3, '3.0.0', {});
    await refer(4, '4.0.0', { publishedAt: now });
    const shared = await refer(5, '5.0.0', { deprecated: true });
    await world.refer(shared, 'flux', '9.0.0', old(world));
    const alias = { model: MODEL, alias: 'stable', version: SemVer.parse('3.0.0'), updatedAt: now };
    await world.catalog.transact([AliasRow.put(alias, 'absent')]);
    expect(await found(world)).toEqual([]);
  });
});
