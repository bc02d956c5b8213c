import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { createDigestHandler } from '../../functions/digest/handler.ts';
import { createExpireUploadsHandler } from '../../functions/expire-uploads/handler.ts';
import { createIngestHandler } from '../../functions/ingest/handler.ts';
import { createReconcileHandler } from '../../functions/reconcile/handler.ts';
import { createRelayHandler } from '../../functions/relay/handler.ts';
import { createSweepOrphansHandler } from '../../functions/sweep-orphans/handler.ts';
import { createScanHandler } from '../../functions/scan/handler.ts';
import type { QueueHandler } from '../../functions/shared/queueHandler.ts';
import { OPEN_POLICY, SCANNER, type Scanner, type ScanPolicy } from '../../lib/scanning/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore, WriteOptions } from '../../lib/shared/ports/objectStore.ts';
import type { SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { DAY_MS, DurationMs, MIB } from '../../lib/shared/units.ts';
import { sqsBatchOf, testContext } from './envelopes.ts';
import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { createManualClock } from './manualClock.ts';
import { createMemDisk } from './memDisk.ts';
import { recordedTelemetry } from './recordedTelemetry.ts';

export const PLANE_PART_SIZE = 64;

export interface IngestPlaneOptions {
  /** Whether the store hashes parts as they come in, so that no byte is read for the digest. */
  readonly verifiesParts?: boolean;
  readonly remainingMs?: () => number;
  readonly orphanSweep?: SweepMode;
  readonly uploadSweep?: SweepMode;
  /** Of storage classes: off unless a test says otherwise. */
  readonly tierSweep?: SweepMode;
  readonly tierPolicy?: TierPolicyName;
  readonly scanner?: Scanner;
  readonly scanPolicy?: ScanPolicy;
  /** Stands between the handlers and a port. */
  readonly catalog?: (store: CatalogStore) => CatalogStore;
  readonly objects?: (store: ObjectStore) => ObjectStore;
}

/** The handlers from a bucket's events to a published version, on the embedded stores in memory. */
export async function createIngestPlane(options: IngestPlaneOptions = {}) {
  const clock = createManualClock();
  const recorded = recordedTelemetry();
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random: nodeRandom });
  const objects = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: 'eu-west-1',
    clock,
    random: nodeRandom,
    ...(options.verifiesParts === true ? { hashPartsOf: PLANE_PART_SIZE } : {}),
  });
  for (const queue of ['ingest', 'scan', 'digest', 'placement', 'rescan', 'sweep-orphans']) {
    queues.define(`${queue}-dlq`);
    queues.define(queue, { redrive: { maxReceiveCount: 3, deadLetter: `${queue}-dlq` } });
  }
  const deps = {
    clock,
    telemetry: recorded.telemetry,
    catalog: options.catalog?.(catalog) ?? catalog,
    objects: options.objects?.(objects) ?? objects,
    scanner: options.scanner ?? SCANNER,
    sender: queues,
    messages: queues,
    settings: {
      region: 'eu-west-1',
      priceRegion: 'us-east-1',
      partSize: PLANE_PART_SIZE,
      maxUploadBytes: 10 * MIB,
      orphanSweep: options.orphanSweep ?? ('on' as const),
      orphanGraceMs: DurationMs.parse(DAY_MS),
      uploadSweep: options.uploadSweep ?? ('on' as const),
      uploadGraceMs: DurationMs.parse(7 * DAY_MS),
      refusedKeepMs: DurationMs.parse(90 * DAY_MS),
      scanPolicy: options.scanPolicy ?? OPEN_POLICY,
      tierSweep: options.tierSweep ?? ('off' as const),
      tierPolicy: options.tierPolicy ?? ('rules' as const),
      ...TIER_SETTINGS,
      ...EXPIRY_LIMITS,
      sweepBudgetUsd: 0,
      sweepMostMoves: 0,
    },
  };
  const handlers: readonly (readonly [string, QueueHandler])[] = [
    ['ingest', createIngestHandler(deps)],
    ['scan', createScanHandler(deps)],
    ['digest', createDigestHandler(deps)],
  ];
  const relay = createRelayHandler(deps);
  const reconcile = createReconcileHandler(deps);
  const sweepOrphans = createSweepOrphansHandler(deps);
  const expireUploads = createExpireUploadsHandler(deps);
  const context = () => testContext(options.remainingMs);

  async function sendEvents(): Promise<number> {
    const pending = objects.notifications(100);
    for (const { id, event } of pending) {
      if (event.includes('"key":"uploads/')) await queues.send('ingest', [{ body: event }]);
      objects.delivered(id);
    }
    return pending.length;
  }

  async function work(queue: string, handler: QueueHandler): Promise<number> {
    const received = await queues.receive(queue, 10, 0, 60);
    if (received.length === 0) return 0;
    const { batchItemFailures } = await handler(sqsBatchOf(received), context());
    const failed = new Set(batchItemFailures.map((item) => item.itemIdentifier));
    for (const { messageId, receiptHandle } of received) {
      if (failed.has(messageId)) await queues.changeVisibility(queue, receiptHandle, 0);
      else await queues.remove(queue, receiptHandle);
    }
    return received.length;
  }

  async function relayOnce(): Promise<void> {
    await relay({ schedule: 'relay-sweep', scheduledTime: new Date(clock.now()).toISOString() }, context());
  }

  return {
    clock,
    catalog,
    objects,
    queues,
    deps,
    telemetry: recorded,
    upload: (key: string, bytes: Uint8Array | string, write?: WriteOptions) =>
      objects.write(key, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, write),
    /** The undelivered events of the bucket, without delivering them. */
    events: () => objects.notifications(100).map(({ event }) => event),
    loseEvents() {
      for (const { id } of objects.notifications(100)) objects.delivered(id);
    },
    async deliver(...bodies: readonly string[]) {
      for (const body of bodies) await queues.send('ingest', [{ body }]);
    },
    work: async (queue: 'ingest' | 'scan' | 'digest') => {
      const handler = handlers.find(([name]) => name === queue)?.[1];
      return handler === undefined ? 0 : work(queue, handler);
    },
    relayOnce,
    async reconcile() {
      await reconcile({ schedule: 'reconcile-uploads', scheduledTime: new Date(clock.now()).toISOString() }, context());
    },
    async expireUploads() {
      await expireUploads(
        { schedule: 'expire-uploads', scheduledTime: new Date(clock.now()).toISOString() },
        context(),
      );
    },
    /** Fires the sweep of orphans and carries it out; answers how many messages it took, and how many failed. */
    async sweepOrphans() {
      const ends = { messages: 0, failed: 0 };
      const fired = { schedule: 'orphan-sweep', scheduledTime: new Date(clock.now()).toISOString() };
      await sweepOrphans(fired, context());
      for (;;) {
        await relayOnce();
        const received = await queues.receive('sweep-orphans', 10, 0, 60);
        if (received.length === 0) return ends;
        for (const message of received) {
          const answer = await sweepOrphans(sqsBatchOf([message]), context());
          ends.messages += 1;
          ends.failed += answer?.batchItemFailures.length ?? 0;
          await queues.remove('sweep-orphans', message.receiptHandle);
        }
      }
    },
    /** Runs everything until nothing moves any more. */
    async settle() {
      for (let moved = 1; moved > 0; ) {
        moved = await sendEvents();
        await relayOnce();
        for (const [queue, handler] of handlers) moved += await work(queue, handler);
      }
    },
    async messages(queue: string): Promise<readonly unknown[]> {
      const received = await queues.receive(queue, 10, 0, 1);
      return received.map(({ body }) => JSON.parse(body) as unknown);
    },
  };
}

export type IngestPlane = Awaited<ReturnType<typeof createIngestPlane>>;

/** A well-formed safetensors file with one tensor of so many bytes, all of one value. */
export function safetensors(bytes: number, value = 1): Uint8Array {
  const header = JSON.stringify({ w: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } });
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([head, Buffer.from(header), Buffer.alloc(bytes, value)]);
}
