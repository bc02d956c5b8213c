import {
  type AccessMonth,
  AccessMonthRow,
  ACCESS_SHARDS,
  AllowanceRow,
  type Blob,
  BlobRow,
  expectationOf,
  ReferenceRow,
  ReplicaRow,
  ServiceLevelRow,
  SWEEP_SHARDS,
  type VersionFile,
  VersionRow,
} from '../../lib/catalog/index.ts';
import type { TierPolicy } from '../../lib/placement/index.ts';
import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import {
  CorrelationId,
  type Digest,
  HostId,
  hostLocation,
  KeySegment,
  ModelName,
  originLocation,
  SemVer,
} from '../../lib/shared/ids.ts';
import type { CatalogStore, Change } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs, GB, Usd } from '../../lib/shared/units.ts';
import { explainBlob, type MoveDeps, type PackSettings } from '../../lib/tiering/index.ts';

/**
 * The rows of a fleet, as its functions write them. A model has five versions, published 120 days apart, the newest up to a year ago. A version
 * has three files of its own (2 GB each) and a tokenizer that it shares with the others: 16 blobs a model, each with the rows of its references
 * and versions. Operators have promised something of one model in four. Of 50 models one is read daily and on eight hosts, ten weekly and on
 * two, 15 once a month and on none; 24 are never read. Of superseded versions the reads are as many and long past.
 */
const VERSIONS = 5;
const OWN_FILES = 3;
const RELEASE_DAYS = 120;
export const BLOBS_PER_MODEL = VERSIONS * OWN_FILES + 1;
const BYTES = Bytes.parse(2 * GB);
export const REGION = 'us-east-1';

interface Use {
  readonly hosts: number;
  /** With reads, and how many of their days have some. */
  readonly months: number;
  readonly daysAMonth: number;
  readonly readsADay: number;
  /** Of the hosts, in so many shards. */
  readonly shards: number;
}

const DAILY: Use = { hosts: 8, months: 12, daysAMonth: 28, readsADay: 16, shards: ACCESS_SHARDS };
const WEEKLY: Use = { hosts: 2, months: 6, daysAMonth: 4, readsADay: 2, shards: 2 };
const MONTHLY: Use = { hosts: 0, months: 3, daysAMonth: 1, readsADay: 1, shards: 1 };

function useOf(model: number): Use | undefined {
  const place = model % 50;
  if (place === 0) return DAILY;
  if (place <= 10) return WEEKLY;
  return place <= 25 ? MONTHLY : undefined;
}

/** Writes a fleet of about `count` blobs: whole models. */
export async function addFleet(store: CatalogStore, count: number, now: EpochMs): Promise<readonly Digest[]> {
  const digests: Digest[] = [];
  for (let model = 0; model * BLOBS_PER_MODEL < count; model += 1) digests.push(...(await addModel(store, model, now)));
  return digests;
}

async function addModel(store: CatalogStore, index: number, now: EpochMs): Promise<readonly Digest[]> {
  const model = ModelName.parse(`model-${index}`);
  const use = useOf(index);
  const newestAt = now - (8 + ((index * 37) % 365)) * DAY_MS;
  const versions = Array.from({ length: VERSIONS }, (_, back) => ({
    version: SemVer.parse(`1.${VERSIONS - 1 - back}.0`),
    publishedAt: EpochMs.parse(newestAt - back * RELEASE_DAYS * DAY_MS),
    until: EpochMs.parse(back === 0 ? now : newestAt - (back - 1) * RELEASE_DAYS * DAY_MS),
  }));
  const [newest] = versions;
  const oldest = versions.at(-1);
  if (newest === undefined || oldest === undefined) return [];
  if (index % 4 === 0) {
    const level = { model, readsPerDay: 0.01, restoreToleranceMs: 0, updatedAt: now };
    await store.transact([ServiceLevelRow.put(level, 'absent')]);
  }
  const shared = digestOf(`${model} tokenizer`);
  await addBlob(store, shared, versions, model, { createdAt: oldest.publishedAt, until: now, use });
  const digests = [shared];
  for (const { version, publishedAt, until } of versions) {
    const own = Array.from({ length: OWN_FILES }, (_, file) => digestOf(`${model} ${version} ${file}`));
    for (const digest of own) {
      await addBlob(store, digest, [{ version }], model, { createdAt: publishedAt, until, use });
    }
    const files = [shared, ...own].map((digest, file): VersionFile => {
      const name = KeySegment.parse(`model-${file}.safetensors`);
      return { file: name, role: 'weights', kind: 'checkpoints', digest, size: BYTES };
    });
    const correlationId = CorrelationId.parse('bench');
    const published = { model, version, files, set: '1', publishedAt, correlationId, deprecated: false };
    await store.transact([VersionRow.put(published, 'absent')]);
    digests.push(...own);
  }
  return digests;
}

function digestOf(name: string): Digest {
  return blobDigest(BYTES, BYTES, [partHash(Buffer.from(name))]);
}

interface BlobLife {
  readonly createdAt: EpochMs;
  /** Whoever read it, did so until then. */
  readonly until: EpochMs;
  readonly use: Use | undefined;
}

async function addBlob(
  store: CatalogStore,
  digest: Digest,
  versions: readonly { readonly version: SemVer }[],
  model: ModelName,
  { createdAt, until, use }: BlobLife,
): Promise<void> {
  const location = originLocation(REGION, 'STANDARD');
  const versionId = digest.slice(0, 32);
  const blob: Blob = {
    digest,
    size: BYTES,
    partSize: BYTES,
    findings: { status: 'clean', rules: 'bench', format: 'safetensors', kind: 'checkpoints', reasons: [] },
    createdAt,
    origin: { location, storageClass: 'STANDARD', versionId, billedSince: createdAt },
    tier: 'hot',
  };
  const copy = { digest, state: 'verified', bytes: BYTES, versionId, pinned: false, checkedAt: until } as const;
  const hosts = Array.from({ length: use?.hosts ?? 0 }, (_, host) => HostId.parse(`host-${host}`));
  await writeAll(store, [
    BlobRow.put(blob, 'absent'),
    ReplicaRow.put({ ...copy, location }, 'absent'),
    ...hosts.map((id) =>
      ReplicaRow.put({ ...copy, location: hostLocation('nvme', id), host: { id, generation: 1 } }, 'absent'),
    ),
    ...versions.map(({ version }) => ReferenceRow.put({ digest, model, version }, 'absent')),
    ...(use === undefined ? [] : accessesOf(digest, use, createdAt, until)),
  ]);
}

function accessesOf(digest: Digest, use: Use, createdAt: EpochMs, until: EpochMs): readonly Change[] {
  const rows = new Map<string, AccessMonth>();
  const step = Math.floor(30 / use.daysAMonth);
  for (let day = 0; day < use.months * 30; day += step) {
    const at = EpochMs.parse(until - day * DAY_MS);
    if (at < createdAt) break;
    const date = new Date(at).toISOString();
    const [month, name] = [date.slice(0, 7), date.slice(8, 10)];
    for (let shard = 0; shard < use.shards; shard += 1) {
      const row = rows.get(`${month} ${shard}`) ?? { digest, month, shard, days: {}, misses: {}, hits: 0, lastAt: at };
      rows.set(`${month} ${shard}`, {
        ...row,
        days: { ...row.days, [name]: use.readsADay / use.shards },
        hits: row.hits + use.readsADay / use.shards,
      });
    }
  }
  return [...rows.values()].map((row) => AccessMonthRow.put(row, 'absent'));
}

const MOST_CHANGES = 100;

async function writeAll(store: CatalogStore, changes: readonly Change[]): Promise<void> {
  for (let start = 0; start < changes.length; start += MOST_CHANGES) {
    await store.transact(changes.slice(start, start + MOST_CHANGES));
  }
}

/** Puts each blob where the policy has left it by now; a move more could be decided there, which `MOST_MOVES` ends. */
const MOST_MOVES = 4;

export async function settleFleet(
  deps: MoveDeps,
  digests: readonly Digest[],
  by: { readonly policy: TierPolicy; readonly packs: PackSettings; readonly at: EpochMs },
): Promise<void> {
  if (by.policy.kind === 'dollars') await spendAllowances(deps.catalog, by.at);
  for (const digest of digests) {
    for (let move = 0; move < MOST_MOVES; move += 1) {
      const decision = (await explainBlob(deps, digest, by))?.decision;
      if (decision === undefined || decision.action !== 'transition') break;
      const row = await BlobRow.get(deps.catalog, digest);
      if (row === undefined) break;
      const { to } = decision;
      const origin = { ...row.value.origin, storageClass: to, billedSince: row.value.createdAt };
      await deps.catalog.transact([BlobRow.put({ ...row.value, origin }, expectationOf(row))]);
    }
  }
}

/** As accounts of which all is at risk: what a learned move may lose is looked at, and none is made. */
async function spendAllowances(store: CatalogStore, now: EpochMs): Promise<void> {
  const [none, all] = [Usd.parse(0), Usd.parse(1e9)];
  for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
    const account = { shard, shadowUsd: none, settledUsd: none, reservedUsd: all, accruedThrough: now };
    await store.transact([AllowanceRow.put(account, 'absent')]);
  }
}
