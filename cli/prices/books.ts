import {
  combinePriceBooks,
  type PriceBook,
  type PriceBookFile,
  PricingError,
  parsePriceBook,
  shippedPriceBook,
} from '../../lib/pricing/index.ts';
import { readJson } from '../jsonFile.ts';

export interface BookOptions {
  readonly prices?: string;
}

/** The shipped books, behind the one that was named. */
export async function booksInForce({ prices }: BookOptions): Promise<PriceBook> {
  const shipped = shippedPriceBook();
  return prices === undefined ? shipped : combinePriceBooks(parsePriceBook(await readJson(prices)), ...shipped.books);
}

/** AWS's book of a region; where there is none, the first of AWS, which answers for it. */
export function bookInForce({ id, books }: PriceBook, region: string): PriceBookFile {
  const ofAws = books.filter(({ provider }) => provider === 'aws');
  const book = ofAws.find((one) => one.region === region) ?? ofAws[0];
  if (book !== undefined) return book;
  throw new PricingError({ code: 'invalid-book', message: `No book of AWS in ${id}.`, retryable: false });
}
