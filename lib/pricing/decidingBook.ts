import { canonicalJson } from '../shared/canonicalJson.ts';
import type { StorageClass } from '../shared/ids.ts';
import { PricingError } from './errors.ts';
import { combinePriceBooks, type PriceBookFile, parsePriceBook, type StoragePrice } from './priceBook.ts';
import { pricedClasses, storagePrice } from './lookup.ts';
import { shippedPriceBook } from './shipped.ts';

/** The classes whose objects are restored before they are read, whoever stores them. */
const ARCHIVES: ReadonlySet<StorageClass> = new Set<StorageClass>(['GLACIER', 'DEEP_ARCHIVE']);

/** As receipts and settings name a book. */
export function bookName({ id, asOf }: Pick<PriceBookFile, 'id' | 'asOf'>): string {
  return `${id}@${asOf}`;
}

/**
 * A book that may decide where bytes lie. Throws `PricingError`: `invalid-book` where it is none, `cannot-decide` where decisions by it could not
 * be made, would take a class for what it is not, or would be named like other prices. A book that ships decides as it ships.
 */
export function parseDecidingBook(json: unknown): PriceBookFile {
  const book = parsePriceBook(json);
  const prices = combinePriceBooks(book);
  const classes = pricedClasses(prices);
  const wrong = classes.flatMap((one) => whatIsWrong(one, storagePrice(prices, one).price));
  if (isTaken(book)) wrong.push('its id is that of other prices: give it an id of its own, such as own/disks');
  if (!classes.includes('STANDARD')) wrong.push('it prices no STANDARD, which every object is written in');
  if (wrong.length === 0) return book;
  throw new PricingError({
    code: 'cannot-decide',
    message: `The price book ${bookName(book)} cannot decide: ${wrong.join('; ')}. See docs/prices.md.`,
    retryable: false,
  });
}

/** Ids of AWS's books name what regions cost, which is read from price lists; those that ship name what ships. */
function isTaken(book: PriceBookFile): boolean {
  if (book.id.startsWith('aws/')) return true;
  const shipped = shippedPriceBook().books.find(({ id }) => id === book.id);
  return shipped !== undefined && !samePrices(shipped, book);
}

/** Whatever release has written them. */
export function samePrices(one: PriceBookFile, other: PriceBookFile): boolean {
  const [before, after] = [one, other].map((book) => canonicalJson(JSON.parse(JSON.stringify(book))));
  return before === after;
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
