import { CursorRow, expectationOf } from '../catalog/index.ts';
import { PortError } from '../shared/errors.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** A page of a scan: its place, or the beginning of a shard. */
export interface Place {
  readonly shard: number;
  readonly cursor?: string | undefined;
  /** When the last pass began that came to its end; undefined until one has. */
  readonly since?: EpochMs | undefined;
}

/**
 * Goes on with a scan of several shards where the last run stopped, up to `pages` pages. `visit` handles the page at a place
 * and answers the cursor of the next one in its shard. The place is saved after each page: a page may be visited twice, none
 * is left out. No page is begun once `enough` says so.
 */
export async function continueScan(
  catalog: CatalogStore,
  scan: { readonly name: string; readonly shards: number; readonly pages: number; readonly enough?: () => boolean },
  visit: (place: Place) => Promise<string | undefined>,
  now: () => EpochMs,
): Promise<void> {
  for (let page = 0; page < scan.pages && scan.enough?.() !== true; page += 1) {
    const row = await CursorRow.get(catalog, scan.name);
    const { shard: at = 0, cursor: from, began, lastBegan } = row?.value ?? {};
    const place: Place = { shard: at, cursor: from, since: lastBegan };
    const begun = at === 0 && from === undefined ? now() : began;
    const cursor = await visitFrom(place, visit);
    const done = cursor === undefined && place.shard + 1 >= scan.shards;
    const shard = cursor !== undefined ? place.shard : done ? 0 : place.shard + 1;
    const next = { scan: scan.name, shard, cursor, movedAt: now(), began: begun, lastBegan: done ? begun : lastBegan };
    // Another run that was faster has saved a place as good as this one.
    await catalog.transact([CursorRow.put(next, expectationOf(row))]);
    if (done) return;
  }
}

/** A cursor that the store no longer takes is given up for the shard's beginning. */
async function visitFrom(
  place: Place,
  visit: (place: Place) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await visit(place);
  } catch (error) {
    const refused = error instanceof PortError && error.code === 'invalid-request';
    if (!refused || place.cursor === undefined) throw error;
    return visit({ ...place, cursor: undefined });
  }
}
