import {
  type Decided,
  expectationOf,
  PriceBookRow,
  PricesInForceRow,
  ReportedPricesRow,
  settle,
} from '../catalog/index.ts';
import {
  decideRefresh,
  type PriceBookFile,
  type PriceLists,
  PricingError,
  type RefreshDecision,
  readBook,
} from '../pricing/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { EpochMs } from '../shared/units.ts';
import { type PricesDeps, type RegionPrices, readPrices } from './inForce.ts';

export interface RefreshDeps extends PricesDeps {
  readonly telemetry: Telemetry;
  /** Absent where nothing is to be read from the network. */
  readonly priceLists?: PriceLists | undefined;
}

const REFRESH = 'refresh';
/** Of one refresh; a list that changes everything still makes a short log. */
const MOST_LINES = 50;

/**
 * Reads the lists of the region and takes their prices over, unless one of them moved too far: that is kept for a person to accept.
 * First it keeps the books that decide now, also those that ship with the release, for the receipts that name them.
 * Lists that cannot be reached or read change nothing and are no failure: the age of the prices, the metric `PriceAge`, tells. Safe to
 * repeat, to be killed and to run twice at once.
 */
export async function refreshPrices(deps: RefreshDeps): Promise<void> {
  const { clock, telemetry, priceLists, settings } = deps;
  await settle(deps.catalog, 'Keeping price books', () => keepBooks(deps));
  if (priceLists !== undefined) {
    const { book } = await readPrices(deps);
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const fresh = await freshBook(priceLists, book, settings.priceRegion, today, telemetry);
    if (fresh !== undefined) tell(deps, await settle(deps.catalog, 'Refreshing prices', () => decide(deps, fresh)));
  }
  const { checkedAt } = await readPrices(deps);
  telemetry.metric('PriceAge', 'Milliseconds', Math.max(0, clock.now() - checkedAt));
}

async function keepBooks(deps: PricesDeps): Promise<Decided<undefined>> {
  const { prices } = await readPrices(deps);
  const changes: Change[] = [];
  for (const book of prices.books) {
    const { id, asOf } = book;
    const known = await PriceBookRow.get(deps.catalog, id, asOf);
    if (known === undefined) changes.push(PriceBookRow.put({ id, asOf, json: JSON.stringify(book) }, 'absent'));
  }
  return { changes, answer: undefined };
}

async function freshBook(
  lists: PriceLists,
  rules: PriceBookFile,
  region: string,
  today: string,
  telemetry: Telemetry,
): Promise<PriceBookFile | undefined> {
  try {
    return await readBook(lists, rules, region, today);
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    telemetry.warn('price-list-not-read', { code: error.code, message: error.message });
    return undefined;
  }
}

async function decide(deps: RefreshDeps, fresh: PriceBookFile): Promise<Decided<RefreshDecision>> {
  const current = await readPrices(deps);
  const answer = decideRefresh(current.book, fresh);
  const now = deps.clock.now();
  const changes =
    answer.action === 'report'
      ? await report(deps.catalog, fresh, now)
      : await keepOrTake(deps, current, fresh, answer);
  return { changes, answer };
}

async function keepOrTake(
  { catalog, clock }: RefreshDeps,
  current: RegionPrices,
  fresh: PriceBookFile,
  { action, reason }: RefreshDecision,
): Promise<readonly Change[]> {
  // Today's second book: it is read again tomorrow, and what it changes is not known to be in force until then.
  if (reason === 'same-date') return [];
  const reported = await ReportedPricesRow.get(catalog, fresh.id);
  const forget: Change[] =
    reported === undefined
      ? []
      : [{ kind: 'delete', key: ReportedPricesRow.key(fresh.id), expect: { version: reported.version } }];
  if (action === 'take') return [...(await putInForce(catalog, current, fresh, clock.now(), REFRESH)), ...forget];
  const checkedAt = EpochMs.parse(Math.max(current.checkedAt, clock.now()));
  const takenBy = current.row?.value.takenBy ?? REFRESH;
  const { id, asOf } = current.book;
  const value = { id, asOf, json: JSON.stringify(current.book), checkedAt, takenBy };
  return [PricesInForceRow.put(value, expectationOf(current.row)), ...forget];
}

/** Kept for a person, the newest one only. */
async function report(catalog: CatalogStore, fresh: PriceBookFile, at: EpochMs): Promise<readonly Change[]> {
  const { id, asOf } = fresh;
  const json = JSON.stringify(fresh);
  const known = await ReportedPricesRow.get(catalog, id);
  if (known?.value.json === json) return [];
  return [ReportedPricesRow.put({ id, asOf, json, at }, expectationOf(known))];
}

/** Puts a book in force, and keeps it and the one before it for the receipts that name them. No changes where its name is another's. */
export async function putInForce(
  catalog: CatalogStore,
  { book, row }: RegionPrices,
  fresh: PriceBookFile,
  at: EpochMs,
  takenBy: string,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const one of [book, fresh]) {
    const { id, asOf } = one;
    const json = JSON.stringify(one);
    const known = await PriceBookRow.get(catalog, id, asOf);
    if (known === undefined) changes.push(PriceBookRow.put({ id, asOf, json }, 'absent'));
    else if (one === fresh && known.value.json !== json) return [];
  }
  const value = { id: fresh.id, asOf: fresh.asOf, json: JSON.stringify(fresh), checkedAt: at, takenBy };
  return [...changes, PricesInForceRow.put(value, expectationOf(row))];
}

function tell({ telemetry }: RefreshDeps, { action, reason, changes, beyond }: RefreshDecision): void {
  telemetry.metric('PriceRefresh', 'Count', 1, { action, reason });
  const fields = { action, reason, changes: changes.length, beyond: beyond.length };
  if (action === 'report') telemetry.warn('prices-reported', fields);
  else telemetry.info('prices-refreshed', fields);
  for (const { item, before, after, per } of changes.slice(0, MOST_LINES)) {
    telemetry.info('price-changed', { item, before, after, per });
  }
}
