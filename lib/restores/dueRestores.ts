import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import { dueShards, RESTORE_SHARDS, RestoreRow, sendOnce, visitDue } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { EpochMs } from '../shared/units.ts';
import { RestoreError } from './errors.ts';

const PAGE = 500;
const PAGES_PER_SHARD = 4;
const RESERVE_MS = 10_000;

/**
 * Has every restore looked after whose event did not come in time, once per scheduled moment. A row that fails holds up no other;
 * then `RestoreError` `not-watched` (retryable) is thrown at the end. Answers how many were sent.
 */
export async function dueRestores(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock; readonly telemetry: Telemetry },
  scheduledAt: EpochMs,
  remainingMs: () => number,
): Promise<number> {
  let sent = 0;
  const failures: unknown[] = [];
  const until = deps.clock.now();
  const shards = dueShards(RESTORE_SHARDS, (shard) => ({
    partition: `DUE#RESTORE#${shard}`,
    until,
    async visit(item) {
      const { actionId, digest, versionId, correlationId } = RestoreRow.parse(item).value;
      const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
      const link = { scope: 'restore', id: `${actionId} ${scheduledAt}` };
      if (await sendOnce(deps, link, { queue: 'restore', body })) sent += 1;
    },
  }));
  await visitDue(deps, shards, {
    pageItems: PAGE,
    pages: PAGES_PER_SHARD,
    enough: () => remainingMs() < RESERVE_MS,
    failed(error, { key }) {
      failures.push(error);
      deps.telemetry.metric('RestoresNotWatched', 'Count', 1);
      deps.telemetry.error('restore-not-watched', error, { row: key.partition, sort: key.sort });
    },
  });
  if (failures.length === 0) return sent;
  throw new RestoreError({
    code: 'not-watched',
    message: `${failures.length} restores could not be looked after; see \`restore-not-watched\` in the log.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}
