import type { PlaceModel } from '../../events/place-model/v1.ts';
import type { RescanBlob } from '../../events/rescan/v1.ts';
import { createRestoreHandler } from '../../functions/restore/handler.ts';
import { createStartSweepHandler } from '../../functions/start-sweep/handler.ts';
import { createSweepHandler } from '../../functions/sweep/handler.ts';
import { createWatchRestoresHandler } from '../../functions/watch-restores/handler.ts';
import { createTransitionHandler } from '../../functions/transition/handler.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  OUTBOX_SHARDS,
  OutboxRow,
  queryAll,
  type Replica,
  ReplicaRow,
  type Restore,
  RestoreRow,
  ReferenceRow,
  type Version,
  VersionRow,
  startingWith,
  TierPolicyRow,
  shardOf,
  SWEEP_SHARDS,
} from '../../lib/catalog/index.ts';
import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { POLICY_VERSIONS } from '../../lib/placement/index.ts';
import { RESTORE_LIMITS, type RestoreLimits } from '../../lib/restores/index.ts';
import { RULE_SET } from '../../lib/scanning/index.ts';
import { blobDigest, blobKey, partHash } from '../../lib/shared/digest.ts';
import {
  CorrelationId,
  type Digest,
  KeySegment,
  ModelName,
  originLocation,
  SemVer,
  type StorageClass,
} from '../../lib/shared/ids.ts';
import type { SweepMode } from '../../lib/shared/sweepMode.ts';
import { Bytes, DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { PortError } from '../../lib/shared/errors.ts';
import {
  type InventorySweepInput,
  type InventorySweeps,
  type StartSweepDeps,
  type SweepDeps,
  TIER_SETTINGS,
  tierSettings,
} from '../../lib/tiering/index.ts';
import { noMessages, sqsBatch, testContext } from './envelopes.ts';
import { countingRandom } from './fleetWorld.ts';
import type { Between } from './interruption.ts';
import { createManualClock } from './manualClock.ts';
import { createMemDisk } from './memDisk.ts';
import { recordedTelemetry } from './recordedTelemetry.ts';

const REGION = 'eu-west-1';
const PART = 64 * 1024;

export type TieringWorld = Awaited<ReturnType<typeof createTieringWorld>>;

const seededBytes = (seed: number): Buffer => Buffer.alloc(200_000, `blob ${seed} `);

function digestOf(bytes: Buffer): Digest {
  const hashes = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, index) => index).map((part) =>
    partHash(bytes.subarray(part * PART, (part + 1) * PART)),
  );
  return blobDigest(bytes.length, PART, hashes);
}

const seedsFound = new Map<number, number>();

/** The first seed from `from` on whose blob is of shard 0 of a sweep. */
export function seedOfShard0(from: number): number {
  let seed = seedsFound.get(from) ?? from;
  while (shardOf(digestOf(seededBytes(seed)), SWEEP_SHARDS) !== 0) seed += 1;
  seedsFound.set(from, seed);
  return seed;
}

/** The tiering functions over a catalog and a bucket in memory. */
export async function createTieringWorld(
  between?: Between,
  tierSweep: SweepMode = 'on',
  sweep: Partial<SweepDeps['settings'] & StartSweepDeps['settings'] & RestoreLimits> = {},
  isInForce = true,
) {
  const clock = createManualClock();
  const random = countingRandom();
  const recorded = recordedTelemetry();
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const objects = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: REGION,
    clock,
    random,
    hashPartsOf: PART,
  });
  const deps = {
    messages: noMessages,
    clock,
    telemetry: recorded.telemetry,
    catalog: between?.catalog(catalog) ?? catalog,
    objects: between?.objects(objects) ?? objects,
    settings: {
      priceRegion: 'us-east-1',
      region: REGION,
      tierSweep,
      tierPolicy: 'rules' as const,
      ...EXPIRY_LIMITS,
      ...RESTORE_LIMITS,
      ...TIER_SETTINGS,
      tierPacking: 'off' as const,
      sweepBudgetUsd: 1_000,
      sweepMostMoves: 1_000,
      sweepInventoryFrom: 10_000_000,
      ...sweep,
    },
  };
  // The policy has been in force for long.
  if (tierSweep === 'on' && isInForce) {
    const { tierPolicy: inForce } = deps.settings;
    const row = {
      inForce,
      settings: tierSettings(deps.settings),
      version: POLICY_VERSIONS[inForce],
      since: clock.now(),
    };
    await catalog.transact([TierPolicyRow.put(row, 'absent')]);
  }
  let inventorySweeps: InventorySweeps | undefined;
  const rescans: Digest[] = [];
  const placed: PlaceModel[] = [];
  const watchRestores = createWatchRestoresHandler(deps);
  const handlers = {
    sweep: createSweepHandler(deps),
    transition: createTransitionHandler(deps),
    restore: createRestoreHandler(deps),
  };

  /** A published blob of random-looking bytes whose origin has been in its class for `ageDays`. */
  async function addBlob(
    seed: number,
    ageDays: number,
    storageClass: StorageClass = 'STANDARD',
    bytes: Buffer = seededBytes(seed),
  ): Promise<Blob> {
    const digest = digestOf(bytes);
    const written = await objects.write(blobKey(digest), bytes, { storageClass });
    if (written.outcome !== 'written') throw new Error(written.outcome);
    const at = EpochMs.parse(clock.now() - ageDays * DAY_MS);
    const location = originLocation(REGION, storageClass);
    const blob: Blob = {
      digest,
      size: Bytes.parse(bytes.length),
      partSize: Bytes.parse(PART),
      findings: { status: 'clean', rules: RULE_SET, format: 'safetensors', kind: 'checkpoints', reasons: [] },
      createdAt: at,
      origin: { location, storageClass, versionId: written.versionId, billedSince: at },
      tier: 'hot',
    };
    const { size, origin } = blob;
    await catalog.transact([
      BlobRow.put(blob, 'absent'),
      ReplicaRow.put(
        { digest, location, state: 'verified', bytes: size, versionId: origin.versionId, pinned: false, checkedAt: at },
        'absent',
      ),
    ]);
    return blob;
  }

  /** From now on there is an inventory; answers what is started, of which the first `lost` answers are lost. */
  function sweepOverInventories(lost = 0): readonly (readonly [string, InventorySweepInput])[] {
    const started: [string, InventorySweepInput][] = [];
    inventorySweeps = {
      start: async (name, input) => {
        started.push([name, input]);
        if (started.length > lost) return;
        throw new PortError({ code: 'unavailable', message: 'no answer', retryable: true });
      },
    };
    return started;
  }

  async function takeOutbox(): Promise<readonly { queue: string; body: unknown; delaySeconds: number }[]> {
    const taken: { queue: string; body: unknown; delaySeconds: number }[] = [];
    for (let shard = 0; shard < OUTBOX_SHARDS; shard += 1) {
      const { items } = await catalog.query({ partition: `OUTBOX#${shard}`, limit: 1000 });
      for (const item of items) {
        const { value } = OutboxRow.parse(item);
        taken.push({ queue: value.queue, body: JSON.parse(value.body), delaySeconds: value.delaySeconds ?? 0 });
        await catalog.transact([{ kind: 'delete', key: item.key, expect: { version: item.version } }]);
      }
    }
    return taken;
  }

  function handlerOf(queue: string): keyof typeof handlers {
    return queue === 'sweep' || queue === 'restore' ? queue : 'transition';
  }

  async function deliver(queue: keyof typeof handlers, body: unknown, remainingMs?: () => number): Promise<boolean> {
    const answer = await handlers[queue](sqsBatch([body]), testContext(remainingMs));
    return answer.batchItemFailures.length === 0;
  }

  /** Delivers what was sent, in turn, until nothing comes any more or `most` messages were delivered. */
  async function run(most = 1000): Promise<number> {
    let delivered = 0;
    while (delivered < most) {
      const messages = await takeOutbox();
      if (messages.length === 0) break;
      for (const { queue, body } of messages) {
        if (queue === 'rescan') rescans.push((body as RescanBlob).digest);
        if (queue === 'placement') placed.push(body as PlaceModel);
        if (queue === 'rescan' || queue === 'placement') continue;
        delivered += 1;
        if (!(await deliver(handlerOf(queue), body))) throw new Error('a message failed');
      }
    }
    return delivered;
  }

  /**
   * Delivers what a sweep sends to itself, each message `times` and one that fails once more, until nothing of it comes any more; answers
   * the others.
   */
  async function runSweep(times = 1): ReturnType<typeof takeOutbox> {
    const others: { queue: string; body: unknown; delaySeconds: number }[] = [];
    for (let messages = await takeOutbox(); messages.length > 0; messages = await takeOutbox()) {
      const ofSweep = messages.filter(({ queue }) => queue === 'sweep');
      others.push(...messages.filter(({ queue }) => queue !== 'sweep'));
      const deliveries = Array.from({ length: times }, () => ofSweep).flat();
      for (const { body } of deliveries) if (!(await deliver('sweep', body))) await deliver('sweep', body);
    }
    return others;
  }

  /** Delivers what the bucket tells of restores. */
  async function tellRestores(): Promise<number> {
    objects.tellRestores();
    const told = objects.notifications(100);
    for (const { id, event } of told) {
      objects.delivered(id);
      if (event.includes('Object Restore')) await deliver('restore', JSON.parse(event));
    }
    return told.length;
  }

  /** A published version that needs the blob. */
  async function refer(digest: Digest, name: string, number: string, over: Partial<Version> = {}): Promise<void> {
    const [model, version] = [ModelName.parse(name), SemVer.parse(number)];
    const { size } = (await BlobRow.get(catalog, digest))!.value;
    const file = { file: KeySegment.parse('f'), role: 'weights' as const, kind: 'checkpoints' as const, digest, size };
    const correlationId = CorrelationId.parse('test');
    const row = { model, version, files: [file], publishedAt: clock.now(), correlationId, deprecated: false, ...over };
    await catalog.transact([VersionRow.put(row, 'absent'), ReferenceRow.put({ digest, model, version }, 'absent')]);
  }

  /** Takes a blob's row out of the catalog. */
  async function forget(digest: Digest): Promise<void> {
    const row = await BlobRow.get(catalog, digest);
    await catalog.transact([{ kind: 'delete', key: BlobRow.key(digest), expect: { version: row!.version } }]);
  }

  return {
    ...recorded,
    /** Blobs that `run` was to have judged again. */
    rescans,
    /** What `run` was to have decided about hosts. */
    placed,
    refer,
    forget,
    tellRestores,
    deps,
    watchRestores: () =>
      watchRestores({ schedule: 'restores', scheduledTime: new Date(clock.now()).toISOString() }, testContext()),
    restore: async (digest: Digest): Promise<Restore | undefined> => (await RestoreRow.get(catalog, digest))?.value,
    clock,
    catalog,
    objects,
    addBlob,
    sweepOverInventories,
    takeOutbox,
    deliver,
    run,
    runSweep,
    fireSweep: (at = clock.now()) =>
      createStartSweepHandler({ ...deps, inventorySweeps })(
        { schedule: 'sweep', scheduledTime: new Date(at).toISOString() },
        testContext(),
      ),
    blob: async (digest: Digest): Promise<Blob> => (await BlobRow.get(catalog, digest))!.value,
    replicas: async (digest: Digest): Promise<readonly Replica[]> =>
      (await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') })).map(
        (item) => ReplicaRow.parse(item).value,
      ),
    actions: async (digest: Digest): Promise<readonly Action[]> =>
      (await catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${digest}`, limit: 100 })).items.map(
        (item) => ActionRow.parse(item).value,
      ),
    versions: async (digest: Digest) => (await objects.listVersions({ prefix: blobKey(digest), limit: 100 })).versions,
    counted: (metric: string, reason: string): number =>
      recorded.metrics
        .filter((one) => one.name === metric && (one.dimensions as { reason?: string }).reason === reason)
        .reduce((sum, one) => sum + one.value, 0),
  };
}
