import { StorageClass } from '../shared/ids.ts';
import { DAY_MS } from '../shared/units.ts';
import { PricingError } from './errors.ts';
import type { HostTier, PriceBook, PriceBookFile, StoragePrice } from './priceBook.ts';

/** A price with the book that it comes from, whose `gbBytes` its per-gigabyte rates are for. */
export interface Priced<T> {
  readonly price: T;
  readonly book: PriceBookFile;
}

function find<T>(prices: PriceBook, what: string, pick: (book: PriceBookFile) => T | undefined): Priced<T> {
  for (const book of prices.books) {
    const price = pick(book);
    if (price !== undefined) return { price, book };
  }
  throw new PricingError({
    code: 'unknown-price',
    message: `No price for ${what} in ${prices.id}. Add it to a price book with its source; an unknown price is never zero.`,
    retryable: false,
  });
}

/** Throws `PricingError` with code `unknown-price` where no book has the class; so do the other look-ups. */
export function storagePrice(prices: PriceBook, storageClass: string): Priced<StoragePrice> {
  return find(prices, `storage class ${storageClass}`, (book) => storagePriceIn(book, storageClass));
}

function storagePriceIn(book: PriceBookFile, storageClass: string): StoragePrice | undefined {
  const charged = StorageClass.options.find((one) => one === storageClass);
  return book.storage[(charged && book.classes[charged]) ?? storageClass];
}

/** The first book that prices STANDARD, which every object is written in: what it prices besides is what can be chosen. */
export function decidingBook({ books }: PriceBook): PriceBookFile | undefined {
  return books.find((book) => storagePriceIn(book, 'STANDARD') !== undefined);
}

/** The storage classes that the deciding book has a price for, in S3's order; none where no book decides. */
export function pricedClasses(prices: PriceBook): readonly StorageClass[] {
  const deciding = decidingBook(prices);
  return StorageClass.options.filter((one) => deciding !== undefined && storagePriceIn(deciding, one) !== undefined);
}

export function hostTierPrice(prices: PriceBook, tier: HostTier): Priced<{ readonly usdPerGbHour: number }> {
  return find(prices, `host tier ${tier}`, (book) => book.hostTiers[tier]);
}

export function gpuPrice(prices: PriceBook, gpu: string): Priced<{ readonly usdPerHour: number }> {
  return find(prices, `a GPU of type ${gpu}`, (book) => book.gpus[gpu]);
}

export function transferPrice(prices: PriceBook, route: string): Priced<{ readonly usdPerGb: number }> {
  return find(prices, `transfer route ${route}`, (book) => book.transfer[route]);
}

export function workerPrice(prices: PriceBook, worker: string): Priced<{ readonly usdPerGbSecond: number }> {
  return find(prices, `a worker on ${worker}`, (book) => book.workers[worker]);
}

/** Above this age the prices are an alarm. */
export const STALE_DAYS = 7;

/** How old the prices are that can change: the oldest book with a source on the web; 0 where there is none. Above `STALE_DAYS` is an alarm. */
export function priceAgeDays(prices: PriceBook, nowMs: number): number {
  const dates = prices.books
    .filter((book) => Object.values(book.sources).some((source) => source.url !== undefined))
    .map((book) => Date.parse(book.asOf));
  return dates.length === 0 ? 0 : Math.max(0, (nowMs - Math.min(...dates)) / DAY_MS);
}

/** A month's storage of a whole account in one class, through the volume steps. `gbMonths` counts the book's gigabytes. */
export function volumeUsd(price: StoragePrice, gbMonths: number): number {
  const steps = [{ aboveGb: 0, usdPerGbMonth: price.usdPerGbMonth }, ...price.volumeSteps];
  return steps.reduce((usd, step, index) => {
    const until = steps[index + 1]?.aboveGb ?? Number.POSITIVE_INFINITY;
    return usd + Math.max(0, Math.min(gbMonths, until) - step.aboveGb) * step.usdPerGbMonth;
  }, 0);
}
