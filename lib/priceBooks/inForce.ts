import { PriceBookRow, PricesInForceRow, type StoredPrices, type Versioned } from '../catalog/index.ts';
import { compileRates, type Rates } from '../placement/index.ts';
import {
  combinePriceBooks,
  type PriceBook,
  type PriceBookFile,
  priceBookOf,
  shippedPriceBook,
} from '../pricing/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { EpochMs, MINUTE_MS } from '../shared/units.ts';
import { type OwnBookSettings, ownBookInForce } from './ownBook.ts';

export interface PricesDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry?: Telemetry;
  readonly settings: OwnBookSettings & {
    /** The region of AWS whose prices count here, where no book of the operator decides. */
    readonly priceRegion: string;
    /** The storage classes of the store that holds the models; all of S3's where nobody says. */
    readonly storeClasses?: readonly StorageClass[];
  };
}

/** The rates that decisions are made by now. */
export type PricesInForce = () => Promise<Rates>;

/** How long a process goes on with the prices that it has read. */
const KEEP_MS = 5 * MINUTE_MS;

/** What the catalog and the release say of a region's prices. */
export interface RegionPrices {
  /** Of the region's own book, which is not there where another one answers. */
  readonly bookId: string;
  /** The region's book; the shipped book that answers for it, where it has none. */
  readonly book: PriceBookFile;
  /** When its prices were last known to be those of the list. */
  readonly checkedAt: EpochMs;
  /** The operator's book that answers before it. */
  readonly own: PriceBookFile | undefined;
  /** All books, in the order in which they answer. */
  readonly prices: PriceBook;
  readonly row: Versioned<StoredPrices> | undefined;
}

/**
 * The prices in force: those of the operator's book, and behind it the region's: the catalog's, unless the release ships a book of the region that is newer than they were last checked, or they
 * cannot be read.
 */
export async function readPrices(deps: Omit<PricesDeps, 'clock'>): Promise<RegionPrices> {
  const own = await ownBookInForce(deps.catalog, deps.settings);
  const region = await readRegion(deps);
  if (own === undefined) return { ...region, own };
  return { ...region, own, prices: combinePriceBooks(own, ...region.prices.books) };
}

async function readRegion({
  catalog,
  telemetry,
  settings,
}: Omit<PricesDeps, 'clock'>): Promise<Omit<RegionPrices, 'own'>> {
  const shipped = shippedPriceBook();
  const id = `aws/${settings.priceRegion}`;
  const row = await PricesInForceRow.get(catalog, id);
  const known = shipped.books.find((book) => book.id === id);
  const fallback = known ?? shipped.books.find(({ provider }) => provider === 'aws');
  if (fallback === undefined) throw new TypeError('No book of AWS ships with this release.');
  const shippedAt = EpochMs.parse(Date.parse(fallback.asOf));
  const asShipped = { bookId: id, book: fallback, checkedAt: shippedAt, prices: shipped, row };
  if (row === undefined || (known !== undefined && shippedAt > row.value.checkedAt)) return asShipped;
  const book = readBookOf(row.value.json, telemetry);
  if (book === undefined) return asShipped;
  const others = shipped.books.filter((one) => one.id !== id);
  return { bookId: id, book, checkedAt: row.value.checkedAt, prices: combinePriceBooks(book, ...others), row };
}

/**
 * The rates that decisions of one process are made by, read again every few minutes. Receipts name the books (`Rates.prices.id`), and
 * `pricesNamed` finds them again.
 */
export function createPricesInForce(deps: PricesDeps): PricesInForce {
  let kept: { readonly rates: Rates; readonly at: number; readonly own: PriceBookFile | undefined } | undefined;
  return async () => {
    const now = deps.clock.now();
    // An operator's book comes into force with a sweep, and then decides at once.
    if (kept !== undefined && kept.own === undefined && deps.settings.ownBook === undefined) {
      if (Math.abs(now - kept.at) < KEEP_MS) return kept.rates;
    }
    const { own, prices } = await readPrices(deps);
    const rates = kept?.rates.prices.id === prices.id ? kept.rates : ratesOf(deps, prices);
    kept = { rates, at: now, own };
    return rates;
  };
}

/** The rates of the plane's store at some prices. */
export function ratesOf({ settings }: Pick<PricesDeps, 'settings'>, prices: PriceBook): Rates {
  const { storeClasses: classes } = settings;
  return compileRates(prices, classes === undefined ? {} : { classes });
}

/** The books that a receipt names, so that its decision can be made again; undefined where one of them is not known here. */
export async function pricesNamed(catalog: CatalogStore, named: string): Promise<PriceBook | undefined> {
  const shipped = shippedPriceBook();
  const books: PriceBookFile[] = [];
  for (const name of named.split('+')) {
    const [id = '', asOf = ''] = name.split('@');
    const stored = await PriceBookRow.get(catalog, id, asOf);
    const book =
      stored === undefined
        ? shipped.books.find((one) => one.id === id && one.asOf === asOf)
        : priceBookOf(stored.value.json);
    if (book === undefined) return undefined;
    books.push(book);
  }
  return combinePriceBooks(...books);
}

/** A book that nobody can read must not stop what it would have priced: the shipped one answers. */
function readBookOf(json: string, telemetry: Telemetry | undefined): PriceBookFile | undefined {
  try {
    return priceBookOf(json);
  } catch (error) {
    telemetry?.error('prices-unreadable', error);
    return undefined;
  }
}
