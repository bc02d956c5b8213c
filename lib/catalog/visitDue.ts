import { eachOf } from '../shared/eachOf.ts';
import { PortError } from '../shared/errors.ts';
import type { CatalogStore, Item, Page } from '../shared/ports/catalogStore.ts';
import { EpochMs } from '../shared/units.ts';
import { CursorRow } from './rows/cursor.ts';
import { expectationOf, shardOf, sortableTime } from './rowType.ts';

/** One shard of the index `due`, and how much of it one run may look at. */
export interface DueShard {
  readonly partition: string;
  /** What is due at this moment is visited, and what was before. */
  readonly until: EpochMs;
  readonly visit: (item: Item) => Promise<void>;
}

export interface DueRun {
  readonly pageItems: number;
  /** At most so many pages of a shard; at least two, so that a full first page holds nothing up. */
  readonly pages: number;
  /** Rows of a page that are visited at once. */
  readonly parallel?: number;
  /** Whether the run has to end: then nothing more is begun. */
  readonly enough: () => boolean;
  /** Told of each row whose visit failed; it stays due, and the others are visited all the same. */
  readonly failed: (error: unknown, item: Item) => void;
}

interface VisitDeps {
  readonly catalog: CatalogStore;
  readonly clock: { now(): EpochMs };
}

/**
 * Visits these shards one after the other while there is time. Each run begins with another one, so that runs which are too short for
 * all of them starve none.
 */
export async function visitDue(deps: VisitDeps, shards: readonly DueShard[], run: DueRun): Promise<void> {
  const first = shardOf(sortableTime(deps.clock.now()), Math.max(1, shards.length));
  for (const shard of [...shards.slice(first), ...shards.slice(0, first)]) {
    if (run.enough()) return;
    await visitShard(deps, shard, run);
  }
}

/** Every shard of one kind. */
export function dueShards(count: number, shard: (index: number) => DueShard): readonly DueShard[] {
  return Array.from({ length: count }, (_, index) => shard(index));
}

/**
 * Visits what one shard holds, oldest first. Rows that stay due, since nobody can read them or they wait for something, must not
 * starve those behind them: where more is due than a run may look at, the next run goes from the first page on to where this one
 * ended, and comes round at the end. Rows that come late in the line are so visited after (due ÷ looked at in one run) runs.
 * A run that is over within the first page begins there again: that page has to be so small that a run has time for what stays due in it.
 */
async function visitShard(deps: VisitDeps, shard: DueShard, run: DueRun): Promise<void> {
  const { pageItems } = run;
  const first = await pageAt(deps.catalog, { ...shard, pageItems }, undefined);
  await visitItems(first.items, shard, run);
  if (first.cursor === undefined) return;
  const row = await CursorRow.get(deps.catalog, shard.partition);
  let next: string | undefined = row?.value.cursor ?? first.cursor;
  for (let pages = 1; pages < run.pages && next !== undefined && !run.enough(); pages += 1) {
    const page = await pageFrom(deps.catalog, { ...shard, pageItems }, next, first.cursor);
    if (!(await visitItems(page.items, shard, run))) break;
    next = page.cursor;
  }
  if (next === row?.value.cursor) return;
  const place = { scan: shard.partition, shard: 0, movedAt: deps.clock.now() };
  // Another run that was faster has saved a place as good as this one.
  await deps.catalog.transact([
    CursorRow.put(next === undefined ? place : { ...place, cursor: next }, expectationOf(row)),
  ]);
}

interface Paged extends DueShard {
  readonly pageItems: number;
}

function pageAt(
  catalog: CatalogStore,
  { partition, until, pageItems }: Paged,
  cursor: string | undefined,
): Promise<Page> {
  // Sort keys go on after the moment, so those of this very moment are below the next one.
  const to = sortableTime(EpochMs.parse(until + 1));
  return catalog.queryIndex('due', { partition, to, limit: pageItems, ...(cursor === undefined ? {} : { cursor }) });
}

/** A saved place that the store no longer takes, since the clock went back, is given up for the second page. */
async function pageFrom(catalog: CatalogStore, shard: Paged, cursor: string, second: string): Promise<Page> {
  try {
    return await pageAt(catalog, shard, cursor);
  } catch (error) {
    const refused = error instanceof PortError && error.code === 'invalid-request';
    if (!refused || cursor === second) throw error;
    return pageAt(catalog, shard, second);
  }
}

/** False: the time was up before all of them were visited. */
async function visitItems(items: readonly Item[], { visit }: DueShard, run: DueRun): Promise<boolean> {
  let all = true;
  await eachOf(items, run.parallel ?? 1, async (item) => {
    if (run.enough()) {
      all = false;
      return;
    }
    try {
      await visit(item);
    } catch (error) {
      run.failed(error, item);
    }
  });
  return all;
}
