import { type Cursor, CursorRow, expectationOf } from '../catalog/index.ts';
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

export interface Scan {
  readonly name: string;
  readonly shards: number;
  /** At most so many pages in one run. */
  readonly pages: number;
  /** Whether the run has to end before its pages do. */
  readonly enough: () => boolean;
  /** From the beginning of a pass that took `tookMs` to that of the next one; without, passes follow one another. */
  readonly rest?: (tookMs: number) => number;
}

/**
 * Goes on with a scan of several shards where the last run stopped, up to `pages` pages. `visit` handles the page at a place
 * and answers the cursor of the next one in its shard. The place is saved after each page: a page may be visited twice, none
 * is left out. No page is begun once `enough` says so.
 */
export async function continueScan(
  catalog: CatalogStore,
  scan: Scan,
  visit: (place: Place) => Promise<string | undefined>,
  now: () => EpochMs,
): Promise<void> {
  for (let page = 0; page < scan.pages && !scan.enough(); page += 1) {
    const row = await CursorRow.get(catalog, scan.name);
    if (row !== undefined && rests(scan, row.value, now())) return;
    const { shard: at = 0, cursor: from, lastBegan } = row?.value ?? {};
    const place: Place = { shard: at, cursor: from, since: lastBegan };
    const began = at === 0 && from === undefined ? now() : row?.value.began;
    const cursor = await visitFrom(place, visit);
    const done = cursor === undefined && place.shard + 1 >= scan.shards;
    const shard = cursor !== undefined ? place.shard : done ? 0 : place.shard + 1;
    const times = { movedAt: now(), began, lastBegan: done ? began : lastBegan };
    // Another run that was faster has saved a place as good as this one.
    await catalog.transact([CursorRow.put({ scan: scan.name, shard, cursor, ...times }, expectationOf(row))]);
    if (done) return;
  }
}

/** Between two passes. A clock that was set back must not make it rest for good. */
function rests({ rest }: Scan, { shard, cursor, movedAt, lastBegan }: Cursor, now: EpochMs): boolean {
  if (rest === undefined || shard !== 0 || cursor !== undefined || lastBegan === undefined) return false;
  return Math.abs(now - lastBegan) < rest(Math.max(0, movedAt - lastBegan));
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
