import { createHash } from 'node:crypto';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import {
  AccessMonthRow,
  AliasRow,
  AllowanceRow,
  BlobRow,
  ModelRow,
  ReferenceRow,
  ReplicaRow,
  RiskRow,
  ServiceLevelRow,
  shardOf,
  SWEEP_SHARDS,
  TombstoneRow,
  type Version,
  VersionRow,
} from '../../lib/catalog/index.ts';
import {
  CorrelationId,
  Digest,
  HostId,
  hostLocation,
  KeySegment,
  ModelName,
  originLocation,
  SemVer,
  StorageClass,
} from '../../lib/shared/ids.ts';
import type { CatalogStore, Change } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs, MIB, Usd } from '../../lib/shared/units.ts';
import { blobOf } from './fleetWorld.ts';
import { NOW } from './tierFacts.ts';

// A catalog of rows as functions write them, the same in every run: what decisions about storage classes are made on.

export const SAMPLED_BLOBS = 600;
const MOST_VERSIONS = 3;
const ONE = SemVer.parse('1.0.0');
const correlationId = CorrelationId.parse('sample');

function sampler() {
  let state = 7;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return {
    next,
    below: (most: number) => Math.floor(next() * most),
    pick: <One>(list: readonly One[]): One => list[Math.floor(next() * list.length)]!,
    maybe: <Fields extends object>(chance: number, fields: Fields): Partial<Fields> => (next() < chance ? fields : {}),
    ago: (days: number) => EpochMs.parse(NOW - Math.round(days * DAY_MS)),
  };
}

type Sampler = ReturnType<typeof sampler>;

export const sampledDigest = (nth: number): Digest =>
  Digest.parse(createHash('sha256').update(`sample ${nth}`).digest('hex'));
const modelOf = (nth: number, count: number): ModelName => ModelName.parse(`m${nth}-${count}`);
const isoDay = (at: EpochMs): string => new Date(at).toISOString().slice(0, 10);

/** A blob in any class, packed or not. */
function blobRow({ ago, below, maybe, next, pick }: Sampler, nth: number) {
  const digest = sampledDigest(nth);
  const storageClass = pick(StorageClass.options);
  const size = Bytes.parse(pick([1_000, 140_000, 90_000_000, 150_000_000, 7_000_000_000, 600_000_000_000]) + below(9));
  const ageDays = pick([1, 6, 20, 60, 100, 200, 400, 800, 1_200]) + next();
  const packed = { encoding: 'byteplane-zstd-1' as const, bytes: Bytes.parse(Math.ceil(size * 0.6)) };
  const measured = { encoding: 'byteplane-zstd-1' as const, ratio: 0.4 + 0.6 * next(), sampledBytes: size };
  const origin = {
    location: originLocation('eu-west-1', storageClass),
    storageClass,
    versionId: `v-${nth}`,
    billedSince: ago(ageDays * next()),
    ...maybe(0.1, { packed }),
  };
  return blobOf('a', ago(ageDays), {
    digest,
    size,
    partSize: Bytes.parse(64 * MIB),
    origin,
    ...maybe(0.6, { compressibility: measured }),
    ...maybe(0.3, { transitionedAt: origin.billedSince }),
  });
}

/** Opens of some days, by two shards of the hosts; of most rows it is told which of them read the bucket. */
function accessRows({ below, next, pick }: Sampler, digest: Digest, createdAt: EpochMs): readonly Change[] {
  if (next() < 0.3) return [];
  const months = new Map<string, { days: Record<string, number>; misses: Record<string, number>; last: number }>();
  const ageDays = (NOW - createdAt) / DAY_MS;
  const since = ageDays * pick([0, 0, 0.3, 0.9]);
  for (let reads = pick([1, 3, 12, 60]); reads > 0; reads -= 1) {
    const at = EpochMs.parse(Math.round(NOW - (since + (ageDays - since) * next()) * DAY_MS));
    const key = `${isoDay(at).slice(0, 7)} ${below(2)}`;
    const month = months.get(key) ?? { days: {}, misses: {}, last: at };
    const day = isoDay(at).slice(8);
    month.days[day] = (month.days[day] ?? 0) + 1 + below(40);
    if (next() < 0.5) month.misses[day] = Math.min(month.days[day] ?? 0, 1 + below(3));
    months.set(key, { ...month, last: Math.max(month.last, at) });
  }
  return [...months].map(([key, { days, last, misses }]) => {
    const [month = '', shard] = key.split(' ');
    const lastAt = EpochMs.parse(last);
    const bucket = Object.keys(misses).length === 0 ? {} : { lastMissAt: lastAt };
    const told = next() < 0.8 ? { misses, ...bucket } : {};
    return AccessMonthRow.put({ digest, shard: Number(shard), month, days, hits: below(9), lastAt, ...told }, 'absent');
  });
}

/** Versions that need it: current, deprecated, held, kept, deleted; with what an operator has said of their reads, or without. */
function versionRows({ ago, below, maybe, next, pick }: Sampler, nth: number, size: Bytes): readonly Change[] {
  const digest = sampledDigest(nth);
  const changes: Change[] = [];
  for (let count = pick([0, 1, 1, 1, 2, MOST_VERSIONS]); count > 0; count -= 1) {
    const model = modelOf(nth, count);
    const version = ONE;
    const newest = next() < 0.5 ? version : SemVer.parse('2.0.0');
    const publishedAt = ago(900 * next());
    const digests = next() < 0.25 && nth > 0 ? [digest, sampledDigest(nth - 1)] : [digest];
    const content: Version = {
      model,
      version,
      files: digests.map((one, at) => ({
        file: KeySegment.parse(`${at}.safetensors`),
        role: 'weights',
        kind: 'checkpoints',
        digest: one,
        size,
      })),
      publishedAt,
      correlationId,
      deprecated: next() < 0.3,
      ...maybe(0.05, { hold: { reason: 'court', since: ago(3) } }),
      ...maybe(0.1, { retainUntil: ago(30 * (next() - 0.5)) }),
      ...maybe(0.1, { undoneAt: ago(20 * next()) }),
    };
    for (const one of digests) changes.push(ReferenceRow.put({ digest: one, model, version }, 'absent'));
    if (next() < 0.15) {
      const deletedAt = ago(5);
      const purgeAfter = EpochMs.parse(NOW + 2 * DAY_MS);
      changes.push(TombstoneRow.put({ state: 'deleted', content, deletedAt, purgeAfter, correlationId }, 'absent'));
    } else changes.push(VersionRow.put(content, 'absent'));
    changes.push(
      ModelRow.put({ name: model, createdAt: publishedAt, updatedAt: publishedAt, versions: 2, newest }, 'absent'),
    );
    if (next() < 0.1) {
      const alias = { model, alias: 'stable', version, updatedAt: publishedAt };
      changes.push(AliasRow.put(alias, 'absent'));
    }
    const terms = {
      ...maybe(0.6, { readsPerDay: pick([0, 0.0005, 0.01, 0.2, 5]) }),
      ...maybe(0.7, { restoreToleranceMs: pick([60_000, 5 * 3_600_000, 13 * 3_600_000, 3 * DAY_MS]) }),
      ...maybe(0.3, { waitingUsdPerHour: 4 + below(90) }),
    };
    if (next() < 0.5) changes.push(ServiceLevelRow.put({ model, ...terms, updatedAt: publishedAt }, 'absent'));
  }
  return changes;
}

/** Copies on hosts: filled, filling, pinned; sometimes the one that a transition has left in the bucket. */
function replicaRows({ ago, maybe, next, pick }: Sampler, digest: Digest, bytes: Bytes): readonly Change[] {
  const copy = { digest, bytes, versionId: 'v', pinned: false, checkedAt: ago(1) };
  const changes: Change[] = [];
  if (next() < 0.2) {
    const id = HostId.parse('gpu-a');
    const host = { location: hostLocation('nvme', id), host: { id, generation: 1 } };
    const state = pick(['verified', 'verified', 'verified', 'reserved'] as const);
    changes.push(ReplicaRow.put({ ...copy, ...host, state, ...maybe(0.2, { pinned: true }) }, 'absent'));
  }
  if (next() < 0.03) {
    const location = originLocation('eu-west-1', 'STANDARD');
    changes.push(ReplicaRow.put({ ...copy, location, state: 'evicting' }, 'absent'));
  }
  return changes;
}

/** Some lie out on a learned forecast, or did, or are on their way there. */
function riskRows({ ago, below, maybe, next, pick }: Sampler, blob: ReturnType<typeof blobRow>): readonly Change[] {
  const { digest, origin, size } = blob;
  const onItsWay = origin.storageClass === 'INTELLIGENT_TIERING' && blob.transitionedAt === undefined;
  if (next() > (onItsWay ? 0.6 : 0.35)) return [];
  const to = !onItsWay && next() < 0.7 ? origin.storageClass : pick(['STANDARD_IA', 'GLACIER_IR'] as const);
  const openedAt = ago(onItsWay ? pick([0.5, 1.5, 3]) : 80 * next());
  const left = { at: ago(2 * next()), to: origin.storageClass, ...maybe(0.5, { readsBefore: below(3) }) };
  const risk = {
    shard: shardOf(digest, SWEEP_SHARDS),
    digest,
    bytes: size,
    from: 'INTELLIGENT_TIERING' as const,
    to,
    openedAt,
    idleMs: below(90) * DAY_MS,
    movedUsd: Usd.parse((size / 1e9) * 0.001),
    reservedUsd: Usd.parse((size / 1e9) * 0.3 * next()),
    ...maybe(0.6, { readsCovered: 3 }),
    ...maybe(0.5, { readsBefore: below(3) }),
    ...maybe(0.5, { arrivedAt: openedAt }),
    ...maybe(0.2, { left }),
  };
  return [RiskRow.put(risk, 'absent')];
}

export async function sampleCatalog(): Promise<CatalogStore> {
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const sample = sampler();
  for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
    const usd = (most: number) => Usd.parse(most * sample.next());
    const account = { shard, shadowUsd: usd(4_000), settledUsd: usd(3), reservedUsd: usd(30), accruedThrough: NOW };
    await catalog.transact([AllowanceRow.put(account, 'absent')]);
  }
  for (let nth = 0; nth < SAMPLED_BLOBS; nth += 1) {
    const blob = blobRow(sample, nth);
    const { createdAt, digest, size } = blob;
    const changes = [
      BlobRow.put(blob, 'absent'),
      ...accessRows(sample, digest, createdAt),
      ...versionRows(sample, nth, size),
      ...replicaRows(sample, digest, size),
      ...riskRows(sample, blob),
    ];
    const { outcome } = await catalog.transact(changes);
    if (outcome !== 'committed') throw new Error(`The rows of blob ${nth} are not distinct.`);
  }
  return catalog;
}

/** Published ones. */
export async function sampledVersions(catalog: CatalogStore): Promise<readonly Version[]> {
  const found: Version[] = [];
  for (let nth = 0; nth < SAMPLED_BLOBS; nth += 1) {
    for (let count = 1; count <= MOST_VERSIONS; count += 1) {
      const row = await VersionRow.get(catalog, modelOf(nth, count), ONE);
      if (row !== undefined) found.push(row.value);
    }
  }
  return found;
}
