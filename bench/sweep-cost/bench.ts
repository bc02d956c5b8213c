import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sweepInventory as batches } from '../../functions/sweep-inventory/function.ts';
import { sweep } from '../../functions/sweep/function.ts';
import { sweepOrphans as orphans } from '../../functions/sweep-orphans/function.ts';
import { readPrices } from '../../infra/idleCost/prices.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { type Blob, BlobRow, OUTBOX_SHARDS, OutboxRow, ReplicaRow } from '../../lib/catalog/index.ts';
import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { startOrphanSweep, sweepOrphans } from '../../lib/orphans/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook, storagePrice } from '../../lib/pricing/index.ts';
import { SweepOrphans } from '../../events/sweep-orphans/v1.ts';
import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { blobDigest, blobKey, manifestKey, partHash } from '../../lib/shared/digest.ts';
import { CorrelationId, type Digest, originLocation } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, DAY_MS, DurationMs, EpochMs } from '../../lib/shared/units.ts';
import { startSweep, sweepInventory, sweepShard, TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { countedCatalog, countedObjects, KB, nothing, type Used } from './used.ts';

/**
 * `npm run bench -- sweep-cost [--blobs N]`: what the daily sweeps cost on AWS where nothing moves, that of storage classes also over an
 * inventory. The sweeps run over N small blobs in memory; what they read, write, list and send is counted in the units that AWS bills, and
 * priced by the price book and by infra/idleCost/prices.json. How long a call takes on AWS is assumed, not measured.
 */

/** So many blobs of a batch are read at once. */
const READ_AT_ONCE = 16;
const REGION = 'us-east-1';

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { blobs: { type: 'string', default: '4000' } } });
  const count = Number(values.blobs);
  const folder = await mkdtemp(join(tmpdir(), 'strata-sweep-cost-'));
  try {
    const world = await createWorld(folder, count);
    const tier = await world.sweepTiers();
    const orphan = await world.sweepOrphans();
    const mapped = await world.sweepInventory();
    const lines = [
      price('storage classes', sweep.memoryMb, tier),
      price('over inventory', batches.memoryMb, mapped),
      price('orphans', orphans.memoryMb, orphan),
    ];
    console.log(readPrices().note);
    console.log(`one sweep of ${count} blobs that stay where they are, in dollars per million blobs`);
    const columns = ['reads', 'writes', 'bucket', 'queue, map', 'Lambda', 'a sweep', '30 a month'];
    console.log(`  ${'sweep'.padEnd(18)}${columns.map((name) => name.padStart(12)).join('')}`);
    for (const { name, parts } of lines) {
      const perMillion = parts.map((usd) => (usd / count) * 1e6);
      const sum = perMillion.reduce((total, usd) => total + usd, 0);
      const cells = [...perMillion, sum, sum * 30].map((usd) => `$${usd.toFixed(2)}`.padStart(12));
      console.log(`  ${name.padEnd(18)}${cells.join('')}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function price(
  name: string,
  memoryMb: number,
  used: Used,
): { readonly name: string; readonly parts: readonly number[] } {
  const prices = readPrices().usd;
  const requests = storagePrice(shippedPriceBook(), 'STANDARD').price.usdPer1000;
  const parts = [
    (used.readUnits / 1e6) * prices.dynamoPerMillionReadUnits,
    (used.writeUnits / 1e6) * prices.dynamoPerMillionWriteUnits,
    (used.lists / 1000) * requests.put +
      (used.heads / 1000) * requests.get +
      (used.rows / 1e6) * prices.inventoryPerMillionObjects,
    // Sent, received, deleted. Each batch is a transition of the map and an express workflow, which is billed 64 MB while it waits.
    ((3 * used.messages) / 1e6) * prices.sqsPerMillionRequests +
      (used.batches / 1e6) * (prices.stepFunctionsPerMillionTransitions + prices.expressWorkflowsPerMillion) +
      (used.batches === 0 ? 0 : (used.ms / 1000) * (64 / KB) * prices.expressWorkflowsPerGbSecond),
    ((used.messages + used.batches) / 1e6) * prices.lambdaPerMillionCalls +
      (used.ms / 1000) * (memoryMb / KB) * prices.lambdaArmPerGbSecond,
  ];
  return { name, parts };
}

async function createWorld(folder: string, count: number) {
  let used = nothing();
  const clock = systemClock;
  const store = createSqliteCatalogStore(openDatabase(':memory:'));
  const bucket = await createFileObjectStore({
    disk: await createNodeDisk(folder),
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: REGION,
    clock,
    random: nodeRandom,
  });
  const digests: Digest[] = [];
  for (let seed = 0; seed < count; seed += 1) digests.push(await addBlob(store, bucket, seed));
  const catalog = countedCatalog(store, () => used);
  const objects = countedObjects(bucket, () => used);
  const call = { telemetry: SILENT, remainingMs: () => 600_000 };
  const at = EpochMs.parse(clock.now());

  /** Carries every message out that the sweep has sent; the relay's share is counted by hand. */
  async function drain(handle: (body: string) => Promise<void>): Promise<Used> {
    for (;;) {
      const bodies = await takeOutbox(store);
      if (bodies.length === 0) return used;
      used.messages += bodies.length;
      // Read by the relay, and deleted by it one by one.
      used.readUnits += bodies.length;
      used.writeUnits += bodies.length;
      for (const body of bodies) await handle(body);
    }
  }

  const rates = compileRates(shippedPriceBook());
  const settings = {
    tierSweep: 'on' as const,
    tierPolicy: 'rules' as const,
    ...EXPIRY_LIMITS,
    ...TIER_SETTINGS,
    tierPacking: 'on' as const,
    sweepBudgetUsd: 1,
    sweepMostMoves: 1,
    sweepInventoryFrom: Number.MAX_VALUE,
  };
  const deps = { catalog, clock, telemetry: SILENT, rates, settings };
  return {
    /** A row of the inventory for the bytes and one for the manifest of each blob. */
    async sweepInventory(): Promise<Used> {
      used = nothing();
      const [{ rowsPerBatch }] = batches.triggers;
      const objects = digests
        .flatMap((digest) => [blobKey(digest), manifestKey(digest)])
        .map((key) => ({ key, bytes: 1, since: EpochMs.parse(0) }));
      const correlationId = CorrelationId.parse('bench');
      for (let start = 0; start < objects.length; start += rowsPerBatch) {
        used.batches += 1;
        used.rows += Math.min(rowsPerBatch, objects.length - start);
        await sweepInventory(deps, { scheduledAt: at, correlationId }, objects.slice(start, start + rowsPerBatch));
      }
      used.ms /= READ_AT_ONCE;
      return used;
    },
    async sweepTiers(): Promise<Used> {
      used = nothing();
      await startSweep(deps, at);
      return drain(async (body) => void (await sweepShard(deps, SweepShard.parse(JSON.parse(body)))));
    },
    async sweepOrphans(): Promise<Used> {
      used = nothing();
      const settings = { orphanSweep: 'on' as const, orphanGraceMs: DurationMs.parse(7 * DAY_MS) };
      const deps = { catalog, objects, clock, settings };
      await startOrphanSweep(deps, at);
      return drain(async (body) => void (await sweepOrphans(deps, SweepOrphans.parse(JSON.parse(body)), call)));
    },
  };
}

const SILENT: Telemetry = {
  info() {},
  warn() {},
  error() {},
  metric() {},
  with: () => SILENT,
};

async function takeOutbox(store: CatalogStore): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (let shard = 0; shard < OUTBOX_SHARDS; shard += 1) {
    const { items } = await store.query({ partition: `OUTBOX#${shard}`, limit: 1000 });
    for (const item of items) {
      bodies.push(OutboxRow.parse(item).value.body);
      await store.transact([{ kind: 'delete', key: item.key, expect: { version: item.version } }]);
    }
  }
  return bodies;
}

/** A published blob in a class that it stays in: young, and never read. */
async function addBlob(store: CatalogStore, bucket: ObjectStore, seed: number): Promise<Digest> {
  const bytes = Buffer.from(`blob ${seed}`);
  const size = Bytes.parse(bytes.length);
  const hashes = [partHash(bytes)];
  const digest = blobDigest(size, size, hashes);
  const written = await bucket.write(blobKey(digest), bytes);
  await bucket.write(manifestKey(digest), bytes);
  const versionId = written.outcome === 'written' ? written.versionId : '';
  const location = originLocation(REGION, 'STANDARD');
  const now = EpochMs.parse(systemClock.now());
  const blob: Blob = {
    digest,
    size,
    partSize: size,
    findings: { status: 'clean', rules: 'bench', format: 'safetensors', kind: 'checkpoints', reasons: [] },
    createdAt: now,
    origin: { location, storageClass: 'STANDARD', versionId, billedSince: now },
    tier: 'hot',
  };
  await store.transact([
    BlobRow.put(blob, 'absent'),
    ReplicaRow.put(
      { digest, location, state: 'verified', bytes: size, versionId, pinned: false, checkedAt: now },
      'absent',
    ),
  ]);
  return digest;
}
