import { sendOnce, sortableTime, TOMBSTONE_SHARDS, TombstoneRow } from '../catalog/index.ts';
import type { PurgeVersion } from '../../events/purge-version/v1.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { EpochMs } from '../shared/units.ts';
import { decidePurge } from './decideDeletion.ts';

const PAGE = 100;
/** What is beyond them comes first in the next run. */
const PAGES_PER_SHARD = 20;

interface PurgeDueDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

/**
 * Sends every deleted version whose undo window is over to its purge, once per scheduled moment; one that waits for hosts is sent again by
 * each run. Held ones are left out. Answers how many were sent.
 */
export async function purgeDue(deps: PurgeDueDeps, scheduledAt: EpochMs): Promise<number> {
  let sent = 0;
  for (let shard = 0; shard < TOMBSTONE_SHARDS; shard += 1) {
    let cursor: string | undefined;
    for (let pages = 0; pages < PAGES_PER_SHARD; pages += 1) {
      const page = await deps.catalog.queryIndex('due', {
        partition: `DUE#TOMBSTONE#${shard}`,
        // Sort keys go on after the moment, so those of this very moment are below the next one.
        to: sortableTime(EpochMs.parse(deps.clock.now() + 1)),
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const item of page.items) {
        const { content, correlationId } = TombstoneRow.parse(item).value;
        const { model, version } = content;
        const row = await TombstoneRow.get(deps.catalog, model, version);
        if (decidePurge(row?.value, deps.clock.now()) !== 'purge') continue;
        const body: PurgeVersion = { schema: 'purge-version/1', model, version, correlationId };
        const link = { scope: 'purge', id: `${model}@${version} ${scheduledAt}` };
        if (await sendOnce(deps, link, { queue: 'purge', body: { ...body } })) sent += 1;
      }
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
  }
  return sent;
}
