import type { PurgeBlob } from '../../events/purge-blob/v1.ts';
import type { PurgeVersion } from '../../events/purge-version/v1.ts';
import {
  type Action,
  ACTION_SHARDS,
  ActionRow,
  type Blob,
  BlobRow,
  dueShards,
  expectationOf,
  outboxPut,
  sendOnce,
  settle,
  SWEEP_SHARDS,
  type Tombstone,
  TOMBSTONE_SHARDS,
  TombstoneRow,
  visitDue,
} from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { decidePurge, isForgotten, UNDO_MS } from './decideDeletion.ts';
import { DeletionError } from './errors.ts';
import { condemned, isUnended } from './finishDeletion.ts';
import { deleteId } from './purgeBlob.ts';
import { mayTryAgain } from './stuckPurge.ts';

const PAGE = 100;
/** Of each shard in one run; the next run goes on where the last one ended. */
const PAGES_PER_SHARD = 20;
const RESERVE_MS = 10_000;

const REMAINS_UNKNOWN = {
  code: 'remains-unknown',
  text: 'No row says any more which of its object versions are left.',
};

interface PurgeDueDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Sends every deleted version whose undo window is over to its purge, once per scheduled moment, likewise every blob that no version has
 * referred to for as long, and once a day every delete that has not ended; what waits for hosts is sent again by each run. Held versions are left out. A row that
 * fails holds up no other; then `DeletionError` `not-sent` (retryable) is thrown at the end. Answers how many were sent.
 */
export async function purgeDue(deps: PurgeDueDeps, scheduledAt: EpochMs, remainingMs: () => number): Promise<number> {
  let sent = 0;
  const failures: unknown[] = [];
  const counted = (send: (item: Item) => Promise<boolean>) => async (item: Item) => {
    if (await send(item)) sent += 1;
  };
  const now = deps.clock.now();
  const unreferenced = EpochMs.parse(Math.max(0, now - UNDO_MS));
  const versions = dueShards(TOMBSTONE_SHARDS, (shard) => ({
    partition: `DUE#TOMBSTONE#${shard}`,
    until: now,
    visit: counted((item) => sendVersion(deps, TombstoneRow.parse(item).value, scheduledAt)),
  }));
  const blobs = dueShards(SWEEP_SHARDS, (shard) => ({
    partition: `DUE#BLOB#${shard}`,
    until: unreferenced,
    visit: counted((item) => sendBlob(deps, BlobRow.parse(item).value, scheduledAt)),
  }));
  const begun = dueShards(ACTION_SHARDS, (shard) => ({
    partition: `DUE#DELETE#${shard}`,
    until: now,
    visit: counted((item) => sendBegun(deps, ActionRow.parse(item).value)),
  }));
  await visitDue(deps, [...versions, ...blobs, ...begun], {
    pageItems: PAGE,
    pages: PAGES_PER_SHARD,
    enough: () => remainingMs() < RESERVE_MS,
    failed(error, { key }) {
      failures.push(error);
      deps.telemetry.metric('PurgesNotSent', 'Count', 1);
      deps.telemetry.error('purge-not-sent', error, { row: key.partition, sort: key.sort });
    },
  });
  if (failures.length === 0) return sent;
  throw new DeletionError({
    code: 'not-sent',
    message: `${failures.length} purges could not be sent; see \`purge-not-sent\` in the log. The next run tries again.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}

async function sendVersion(
  deps: PurgeDueDeps,
  { content, correlationId }: Tombstone,
  scheduledAt: EpochMs,
): Promise<boolean> {
  const { model, version } = content;
  const row = await TombstoneRow.get(deps.catalog, model, version);
  const now = deps.clock.now();
  if (decidePurge(row?.value, now) !== 'purge' || now < (row?.value.stuck?.retryAt ?? 0)) return false;
  const body: PurgeVersion = { schema: 'purge-version/1', model, version, correlationId };
  const link = { scope: 'purge', id: `${model}@${version} ${scheduledAt}` };
  return sendOnce(deps, link, { queue: 'purge', body });
}

async function sendBlob(deps: PurgeDueDeps, { digest }: Blob, scheduledAt: EpochMs): Promise<boolean> {
  const blob = (await BlobRow.get(deps.catalog, digest))?.value;
  const now = deps.clock.now();
  if (blob === undefined || !isForgotten(blob, now)) return false;
  const receipt = await ActionRow.get(deps.catalog, deleteId({ digest, transitionedAt: blob.origin.billedSince }));
  if (!mayTryAgain(receipt?.value, now)) return false;
  const correlationId = CorrelationId.parse(`unreferenced-${digest.slice(0, 16)}`);
  const body: PurgeBlob = { schema: 'purge-blob/1', digest, correlationId };
  return sendOnce(deps, { scope: 'purge-blob', id: `${digest} ${scheduledAt}` }, { queue: 'purge', body });
}

/**
 * Its rows are gone, and perhaps some of its objects. The write that sends it says when it is sent again; where no row says any more what
 * is left of it, it ends as failed.
 */
async function sendBegun({ catalog, clock }: PurgeDueDeps, { actionId }: Action): Promise<boolean> {
  return settle(catalog, `Going on with ${actionId}`, async () => {
    const row = await ActionRow.get(catalog, actionId);
    const now = clock.now();
    if (row === undefined || row.value.digest === undefined || !isUnended(row.value)) {
      return { changes: [], answer: false };
    }
    const { digest, correlationId, retryAt, expiresAt } = row.value;
    const dueAt = retryAt ?? expiresAt;
    if (dueAt > now) return { changes: [], answer: false };
    const left = (await condemned(catalog, digest)).some((orphan) => orphan.actionId === actionId);
    if (!left) {
      const { retryAt: _, ...rest } = row.value;
      const failed: Action = { ...rest, state: 'failed', outcome: { at: now, ...REMAINS_UNKNOWN } };
      return { changes: [ActionRow.put(failed, expectationOf(row))], answer: false };
    }
    const body: PurgeBlob = { schema: 'purge-blob/1', digest, correlationId };
    const again = EpochMs.parse(now + DAY_MS);
    const next: Action = { ...row.value, ...(retryAt === undefined ? { expiresAt: again } : { retryAt: again }) };
    const sent = outboxPut({ id: `purge-begun-${actionId}-${dueAt}`, queue: 'purge', body }, now);
    return { changes: [ActionRow.put(next, expectationOf(row)), sent], answer: true };
  });
}
