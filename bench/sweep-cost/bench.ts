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
import { BlobRow, expectationOf, OUTBOX_SHARDS, type OutboxMessage, OutboxRow } from '../../lib/catalog/index.ts';
import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { startOrphanSweep, sweepOrphans } from '../../lib/orphans/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook, storagePrice } from '../../lib/pricing/index.ts';
import { LookAtPolicy } from '../../events/look-at-policy/v1.ts';
import { SweepOrphans } from '../../events/sweep-orphans/v1.ts';
import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { CorrelationId } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { DAY_MS, DurationMs, EpochMs } from '../../lib/shared/units.ts';
import {
  LOOK_PARTS,
  lookAtPolicy,
  packSettings,
  policyOf,
  startSweep,
  sweepInventory,
  sweepShard,
  TIER_SETTINGS,
} from '../../lib/tiering/index.ts';
import { addFleet, REGION, settleFleet } from './fleet.ts';
import { countedCatalog, countedObjects, KB, nothing, type Used } from './used.ts';

/**
 * `npm run bench -- sweep-cost [--blobs N]`: what the daily sweeps cost on AWS where nothing moves, that of storage classes by both policies, also
 * over an inventory. The sweeps run over the rows of a generated fleet (fleet.ts) in memory; what they read, write, list and send is counted in
 * the units that AWS bills, and priced by the price book and by infra/idleCost/prices.json. How long a call takes on AWS is assumed, not measured.
 */

/** So many blobs of a batch are read at once. */
const READ_AT_ONCE = 16;
/** Blobs whose month is printed; below ten million, sweeps go over the catalog. */
const SIZES = [1e6, 1e9];
/** For a job, and for each million of its objects. Source: https://aws.amazon.com/s3/pricing/, as last published in 2025. */
const BATCH_OPERATIONS = { jobUsd: 0.25, millionUsd: 1 };

interface Line {
  readonly name: string;
  readonly parts: readonly number[];
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { blobs: { type: 'string', default: '8000' } } });
  const folder = await mkdtemp(join(tmpdir(), 'strata-sweep-cost-'));
  try {
    const lines: Line[] = [];
    let blobs = 0;
    for (const policy of ['rules', 'dollars'] as const) {
      const world = await createWorld(policy, Number(values.blobs));
      blobs = world.digests.length;
      lines.push(
        price(`catalog, ${policy}`, sweep.memoryMb, await world.sweepTiers(), blobs),
        price(`inventory, ${policy}`, batches.memoryMb, await world.sweepInventory(), blobs),
      );
      if (policy === 'rules') {
        const used = await world.sweepOrphans(await world.storeBytes(folder));
        lines.push(price('orphans', orphans.memoryMb, used, blobs));
        const before = process.cpuUsage();
        const look = await world.lookAt('dollars');
        const { system, user } = process.cpuUsage(before);
        lines.push(price('look at a change', sweep.memoryMb, look, blobs));
        console.log(lookText(look.ms / blobs, (system + user) / 1000 / blobs));
      }
      console.log(`${policy}: ${world.decided()}`);
    }
    console.log(readPrices().note);
    print(lines, blobs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A whole core of Lambda. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const CORE_MB = 1769;

/**
 * How many blobs a look gets through: by the waiting for the catalog, and by what the decisions compute here (the SDK's share is not in it) on the
 * part of a core that the function's memory brings.
 */
function lookText(waitMs: number, cpuMs: number): string {
  const [{ maxConcurrency }] = sweep.triggers;
  const calls = Math.min(maxConcurrency, LOOK_PARTS);
  const rate = (msPerBlob: number): string => {
    const perSecond = (calls * 1000) / msPerBlob;
    return `${Math.round(perSecond)} blobs a second, ${Math.round((perSecond * DAY_MS) / 1000 / 1e6)} million a day`;
  };
  const share = sweep.memoryMb / CORE_MB;
  return [
    `a look by ${calls} calls at once: ${waitMs.toFixed(2)} ms of waiting a blob, ${rate(waitMs)}`,
    `  ${cpuMs.toFixed(2)} ms of a core a blob, of which ${sweep.memoryMb} MB bring ${share.toFixed(3)}: ${rate(cpuMs / share)}`,
  ].join('\n');
}

function print(lines: readonly Line[], blobs: number): void {
  console.log(`one sweep of ${blobs} blobs, in dollars per million blobs`);
  const columns = ['reads', 'writes', 'bucket', 'queue, map', 'Lambda', 'a sweep', '30 a month'];
  console.log(`  ${'sweep'.padEnd(18)}${columns.map((name) => name.padStart(12)).join('')}`);
  const row = (name: string, cells: readonly number[]) =>
    console.log(`  ${name.padEnd(18)}${cells.map((usd) => `$${usd.toFixed(2)}`.padStart(12)).join('')}`);
  for (const { name, parts } of lines) row(name, [...parts, total(parts), total(parts) * 30]);
  for (const count of SIZES) {
    const millions = count / 1e6;
    console.log(`${count} blobs, a month: 30 sweeps of storage classes, and 30 of orphans`);
    const path = count < 1e7 ? 'catalog' : 'inventory';
    const orphan = lines.find(({ name }) => name === 'orphans')?.parts ?? [];
    for (const { name, parts } of lines.filter((line) => line.name.startsWith(path))) {
      const usd = (total(parts) + total(orphan)) * 30 * millions;
      console.log(`  ${name}: $${usd.toFixed(2)}`);
    }
    const fee = BATCH_OPERATIONS.jobUsd + BATCH_OPERATIONS.millionUsd * millions;
    console.log(`  once, if one job of S3 Batch Operations moves them all: its fee is $${fee.toFixed(2)}`);
  }
}

const total = (parts: readonly number[]): number => parts.reduce((sum, usd) => sum + usd, 0);

/** In dollars per million blobs. */
function price(name: string, memoryMb: number, used: Used, blobs: number): Line {
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
  return { name, parts: parts.map((usd) => (usd / blobs) * 1e6) };
}

async function createWorld(policy: 'rules' | 'dollars', count: number) {
  let used = nothing();
  const decided = new Map<string, number>();
  const clock = systemClock;
  const store = createSqliteCatalogStore(openDatabase(':memory:'));
  const at = EpochMs.parse(clock.now());
  const digests = await addFleet(store, count, at);
  const catalog = countedCatalog(store, () => used);
  const call = { telemetry: SILENT, remainingMs: () => 600_000 };

  /** Carries every message out that the sweep has sent, but for the wishes to placement; the relay's share is counted by hand. */
  async function drain(handle: (body: string) => Promise<void>): Promise<Used> {
    for (;;) {
      const messages = await takeOutbox(store);
      if (messages.length === 0) return used;
      used.messages += messages.length;
      // Read by the relay, and deleted by it one by one.
      used.readUnits += messages.length;
      used.writeUnits += messages.length;
      for (const { body, queue } of messages) if (queue !== 'placement') await handle(body);
    }
  }

  const rates = compileRates(shippedPriceBook());
  const settings = {
    tierSweep: 'on' as const,
    tierPolicy: policy,
    ...EXPIRY_LIMITS,
    ...TIER_SETTINGS,
    tierPacking: 'on' as const,
    sweepBudgetUsd: 1,
    sweepMostMoves: 1,
    sweepInventoryFrom: Number.MAX_VALUE,
  };
  const deps = { catalog, clock, telemetry: SILENT, rates, settings };
  const by = { policy: policyOf(settings, policy), packs: packSettings(settings), at };
  await settleFleet({ catalog: store, clock, rates }, digests, by);

  function note(counts: ReadonlyMap<string, number>): void {
    for (const [reason, times] of counts) decided.set(reason, (decided.get(reason) ?? 0) + times);
  }

  return {
    digests,
    /** How many blobs were decided about for which reason, all sweeps of storage classes together. */
    decided: () => [...decided].map(([reason, times]) => `${times} ${reason}`).join(', '),
    /** The bytes and the manifest of each blob. */
    async storeBytes(folder: string): Promise<ObjectStore> {
      const database = openDatabase(':memory:');
      const disk = await createNodeDisk(folder);
      const options = { disk, database, bucket: 'models', region: REGION, clock, random: nodeRandom };
      const bucket = await createFileObjectStore(options);
      for (const digest of digests) {
        const written = await bucket.write(blobKey(digest), Buffer.from(digest));
        await bucket.write(manifestKey(digest), Buffer.from(digest));
        const row = await BlobRow.get(store, digest);
        if (row === undefined || written.outcome !== 'written') continue;
        const origin = { ...row.value.origin, versionId: written.versionId };
        await store.transact([BlobRow.put({ ...row.value, origin }, expectationOf(row))]);
      }
      return bucket;
    },
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
        const rows = objects.slice(start, start + rowsPerBatch);
        note(await sweepInventory(deps, { scheduledAt: at, correlationId }, rows));
      }
      used.ms /= READ_AT_ONCE;
      return used;
    },
    async sweepTiers(): Promise<Used> {
      // Nothing moves before the look at a plane's first policy has ended.
      await startSweep(deps, EpochMs.parse(at - DAY_MS));
      await drain(async (body) => {
        const message = LookAtPolicy.safeParse(JSON.parse(body));
        if (message.success) await lookAtPolicy(deps, message.data);
      });
      used = nothing();
      await startSweep(deps, at);
      return drain(async (body) => note(await sweepShard(deps, SweepShard.parse(JSON.parse(body)))));
    },
    /** At a change to another policy, 16 blobs at once. */
    async lookAt(tierPolicy: 'rules' | 'dollars'): Promise<Used> {
      used = nothing();
      const changed = { ...deps, settings: { ...settings, tierPolicy } };
      await startSweep(changed, EpochMs.parse(at + DAY_MS));
      await drain(async (body) => {
        const message = LookAtPolicy.safeParse(JSON.parse(body));
        if (message.success) await lookAtPolicy(changed, message.data);
      });
      used.ms /= READ_AT_ONCE;
      return used;
    },
    async sweepOrphans(bucket: ObjectStore): Promise<Used> {
      used = nothing();
      const objects = countedObjects(bucket, () => used);
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

async function takeOutbox(store: CatalogStore): Promise<readonly OutboxMessage[]> {
  const messages: OutboxMessage[] = [];
  for (let shard = 0; shard < OUTBOX_SHARDS; shard += 1) {
    const { items } = await store.query({ partition: `OUTBOX#${shard}`, limit: 1000 });
    for (const item of items) {
      messages.push(OutboxRow.parse(item).value);
      await store.transact([{ kind: 'delete', key: item.key, expect: { version: item.version } }]);
    }
  }
  return messages;
}
