import { dayOf, NoticeRow, sortableTime } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import type { OperationInput } from './contract.ts';
import type { NoticeView } from './views.ts';

/** As long as notices are kept. */
const MOST_DAYS = 90;

/** Events from a moment on, oldest first, as many as are asked for. */
export async function listNotices(
  catalog: CatalogStore,
  { since, limit }: OperationInput<'listNotices'>,
  now: EpochMs,
): Promise<{ items: NoticeView[] }> {
  const items: NoticeView[] = [];
  const first = Math.max(dayOf(since), dayOf(now) - MOST_DAYS);
  for (let day = first; day <= dayOf(now) && items.length < limit; day += 1) {
    const page = await catalog.query({
      partition: `NOTICES#${day}`,
      from: sortableTime(EpochMs.parse(Math.max(since, day * DAY_MS))),
      limit: limit - items.length,
    });
    for (const item of page.items) {
      const { id, event } = NoticeRow.parse(item).value;
      items.push({ id, ...event });
    }
  }
  return { items };
}
