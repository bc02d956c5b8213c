import { createHash } from 'node:crypto';
import type { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import {
  expectationOf,
  OnceRow,
  outboxPut,
  queryAll,
  settle,
  shardOf,
  SWEEP_SHARDS,
  SweptBytesRow,
} from '../catalog/index.ts';
import { CorrelationId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';

/** Rows of a sweep between which its batches are spread; together with a message per shard they are closed in one write. */
const CELLS = 32;
const REMEMBERED_MS = 30 * DAY_MS;

export interface AccrueInventoryDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

/** Notes the bytes of one batch of a sweep over the inventory, once however often the batch runs; `known` are those that still are blobs. */
export async function noteSweptBytes(
  { catalog, clock }: AccrueInventoryDeps,
  sweptAt: EpochMs,
  batch: ReadonlyMap<Digest, number>,
  known: ReadonlySet<Digest>,
): Promise<void> {
  if (known.size === 0) return;
  const seen = Array.from({ length: SWEEP_SHARDS }, () => 0);
  for (const [digest, bytes] of batch) {
    if (!known.has(digest)) continue;
    const shard = shardOf(digest, SWEEP_SHARDS);
    seen[shard] = (seen[shard] ?? 0) + bytes;
  }
  // The rows of a batch are the same whenever it runs again, which of them are blobs is not.
  const id = createHash('sha256')
    .update([sweptAt, ...[...batch.keys()].sort()].join(' '))
    .digest('hex');
  const cell = shardOf(id, CELLS);
  await settle(catalog, `Noting the bytes of ${sweptAt}`, async () => {
    if ((await OnceRow.get(catalog, 'swept-bytes', id)) !== undefined) return { changes: [], answer: undefined };
    const row = await SweptBytesRow.get(catalog, sweptAt, cell);
    const now = clock.now();
    const bytes = seen.map((one, shard) => Bytes.parse(one + (row?.value.bytes[shard] ?? 0)));
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    return {
      changes: [
        OnceRow.put({ scope: 'swept-bytes', id, at: now, expiresAt }, 'absent'),
        SweptBytesRow.put({ sweptAt, cell, bytes }, expectationOf(row)),
      ],
      answer: undefined,
    };
  });
}

/**
 * Sends what the sweeps before `scheduledAt` have seen to the shards' accounts, each of them in one write. What a batch notes later, or of
 * a batch that failed, is never counted: an account may only be too small.
 */
export async function closeInventorySweeps(
  { catalog, clock }: AccrueInventoryDeps,
  scheduledAt: EpochMs,
): Promise<void> {
  for (let more = true; more; ) {
    more = await settle(catalog, 'Closing sweeps over the inventory', async () => {
      const items = await queryAll(catalog, { partition: 'SWEPTBYTES' });
      const past = items.map((item) => SweptBytesRow.parse(item)).filter(({ value }) => value.sweptAt < scheduledAt);
      const sweptAt = past[0]?.value.sweptAt;
      if (sweptAt === undefined) return { changes: [], answer: false };
      const cells = past.filter(({ value }) => value.sweptAt === sweptAt);
      const changes: Change[] = cells.map(({ value, version }) => ({
        kind: 'delete',
        key: SweptBytesRow.key(sweptAt, value.cell),
        expect: { version },
      }));
      const correlationId = CorrelationId.parse(`sweep-${sweptAt}`);
      const now = clock.now();
      for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
        const bytes = cells.reduce((sum, { value }) => sum + (value.bytes[shard] ?? 0), 0);
        const body: AccrueAllowance = { schema: 'accrue-allowance/1', sweptAt, shard, bytes, correlationId };
        changes.push(outboxPut({ id: `swept-${sweptAt}-${shard}`, queue: 'sweep', body }, now));
      }
      return { changes, answer: true };
    });
  }
}
