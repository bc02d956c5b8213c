import { eachOf } from '../shared/eachOf.ts';
import { PortError } from '../shared/errors.ts';
import type { CatalogStore, Item, Page } from '../shared/ports/catalogStore.ts';
import { EpochMs } from '../shared/units.ts';
import { CursorRow } from './rows/cursor.ts';
import { expectationOf, sortableTime } from './rowType.ts';

/** One shard of the index `due`, and how much of it one run may look at. */
export interface DueShard {
  readonly partition: string;
  /** What is due at this moment is visited, and what was before. */
  readonly until: EpochMs;
  readonly pageItems: number;
  /** At most so many pages a run; at least two, so that a full first page holds nothing up. */
  readonly pages: number;
  /** Rows of a page that are visited at once. */
  readonly parallel?: number;
  /** Whether the run has to end before its pages do. */
  readonly enough?: () => boolean;
}

export interface DueVisitor {
  readonly visit: (item: Item) => Promise<void>;
  /** Told of each row whose visit failed; it stays due, and the others are visited all the same. */
  readonly failed: (error: unknown, item: Item) => void;
}

/**
 * Visits what one shard holds, oldest first. Rows that stay due, since nobody can read them or they wait for something, must not
 * starve those behind them: where more is due than a run may look at, the next run goes from the first page on to where this one
 * ended, and comes round at the end. Rows that come late in the line are so visited after (due ÷ looked at in one run) runs.
 */
export async function visitDue(
  deps: { readonly catalog: CatalogStore; readonly clock: { now(): EpochMs } },
  shard: DueShard,
  visitor: DueVisitor,
): Promise<void> {
  const first = await pageAt(deps.catalog, shard, undefined);
  await visitItems(first.items, shard.parallel ?? 1, visitor);
  if (first.cursor === undefined) return;
  const row = await CursorRow.get(deps.catalog, shard.partition);
  let next: string | undefined = row?.value.cursor ?? first.cursor;
  for (let pages = 1; pages < shard.pages && next !== undefined && shard.enough?.() !== true; pages += 1) {
    const page = await pageFrom(deps.catalog, shard, next, first.cursor);
    await visitItems(page.items, shard.parallel ?? 1, visitor);
    next = page.cursor;
  }
  if (next === row?.value.cursor) return;
  const place = { scan: shard.partition, shard: 0, movedAt: deps.clock.now() };
  // Another run that was faster has saved a place as good as this one.
  await deps.catalog.transact([
    CursorRow.put(next === undefined ? place : { ...place, cursor: next }, expectationOf(row)),
  ]);
}

function pageAt(
  catalog: CatalogStore,
  { partition, until, pageItems }: DueShard,
  cursor: string | undefined,
): Promise<Page> {
  // Sort keys go on after the moment, so those of this very moment are below the next one.
  const to = sortableTime(EpochMs.parse(until + 1));
  return catalog.queryIndex('due', { partition, to, limit: pageItems, ...(cursor === undefined ? {} : { cursor }) });
}

/** A saved place that the store no longer takes, since the clock went back, is given up for the second page. */
async function pageFrom(catalog: CatalogStore, shard: DueShard, cursor: string, second: string): Promise<Page> {
  try {
    return await pageAt(catalog, shard, cursor);
  } catch (error) {
    const refused = error instanceof PortError && error.code === 'invalid-request';
    if (!refused || cursor === second) throw error;
    return pageAt(catalog, shard, second);
  }
}

function visitItems(items: readonly Item[], parallel: number, { visit, failed }: DueVisitor): Promise<void> {
  return eachOf(items, parallel, async (item) => {
    try {
      await visit(item);
    } catch (error) {
      failed(error, item);
    }
  });
}
