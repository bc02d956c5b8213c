import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import { RESTORE_SHARDS, RestoreRow, sendOnce, sortableTime } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { EpochMs } from '../shared/units.ts';

const PER_SHARD = 500;

/**
 * Has every restore looked after whose event did not come in time, once per scheduled moment. What is more than a page comes first in the
 * next run, since each look puts the next one off. Answers how many were sent.
 */
export async function dueRestores(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock },
  scheduledAt: EpochMs,
): Promise<number> {
  let sent = 0;
  for (let shard = 0; shard < RESTORE_SHARDS; shard += 1) {
    const page = await deps.catalog.queryIndex('due', {
      partition: `DUE#RESTORE#${shard}`,
      to: sortableTime(EpochMs.parse(deps.clock.now() + 1)),
      limit: PER_SHARD,
    });
    for (const item of page.items) {
      const { actionId, digest, versionId, correlationId } = RestoreRow.parse(item).value;
      const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
      const link = { scope: 'restore', id: `${actionId} ${scheduledAt}` };
      if (await sendOnce(deps, link, { queue: 'restore', body: { ...body } })) sent += 1;
    }
  }
  return sent;
}
