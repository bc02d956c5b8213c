import type { StorageClass } from '../shared/ids.ts';
import { PricingError } from './errors.ts';
import { combinePriceBooks, type PriceBookFile, parsePriceBook, type StoragePrice } from './priceBook.ts';
import { pricedClasses, storagePrice } from './lookup.ts';

/** The classes whose objects are restored before they are read, whoever stores them. */
const ARCHIVES: ReadonlySet<StorageClass> = new Set<StorageClass>(['GLACIER', 'DEEP_ARCHIVE']);

/** As receipts and settings name a book. */
export function bookName({ id, asOf }: Pick<PriceBookFile, 'id' | 'asOf'>): string {
  return `${id}@${asOf}`;
}

/**
 * A book that may decide where bytes lie. Throws `PricingError`: `invalid-book` where it is none, `cannot-decide` where decisions by it could not
 * be made, or would take a class for what it is not.
 */
export function parseDecidingBook(json: unknown): PriceBookFile {
  const book = parsePriceBook(json);
  const prices = combinePriceBooks(book);
  const classes = pricedClasses(prices);
  const wrong = classes.flatMap((one) => whatIsWrong(one, storagePrice(prices, one).price));
  if (!classes.includes('STANDARD')) wrong.push('it prices no STANDARD, which every object is written in');
  if (wrong.length === 0) return book;
  throw new PricingError({
    code: 'cannot-decide',
    message: `The price book ${bookName(book)} cannot decide: ${wrong.join('; ')}. See docs/prices.md.`,
    retryable: false,
  });
}

function whatIsWrong(name: StorageClass, { retrieval, usdPerGbMonth }: StoragePrice): string[] {
  const wrong: string[] = [];
  if (usdPerGbMonth === 0) wrong.push(`${name} costs nothing to store, so that everything would go there`);
  const restored = Object.keys(retrieval).some((one) => one !== 'instant');
  if (ARCHIVES.has(name) && (retrieval.instant !== undefined || !restored)) {
    wrong.push(`${name} is an archive, and has to be read by restores`);
  }
  if (!ARCHIVES.has(name) && (retrieval.instant === undefined || restored)) {
    wrong.push(`${name} is read at once, and has to have the retrieval \`instant\` alone`);
  }
  return wrong;
}
