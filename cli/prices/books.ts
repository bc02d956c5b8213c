import type { Operations } from '../../lib/operations/index.ts';
import {
  combinePriceBooks,
  type PriceBook,
  type PriceBookFile,
  PricingError,
  parsePriceBook,
  shippedPriceBook,
} from '../../lib/pricing/index.ts';
import { connect, type PlaneOptions } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { note } from '../output.ts';
import { readJson } from '../textFiles.ts';

export interface BookOptions extends Omit<PlaneOptions, 'json'> {
  readonly prices?: string;
  readonly json?: true;
}

/** The books that answer, and when the prices of the first were last compared with their source, where a plane knows that. */
export interface BooksInForce {
  readonly prices: PriceBook;
  readonly checkedAt: number | undefined;
}

const NOT_RUNNING = new Set<string>(['no-plane', 'plane-unreachable']);

/** Those of the plane that is named, else the shipped ones; behind the book of a file. */
export async function booksInForce(options: Pick<BookOptions, 'data' | 'endpoint' | 'prices'>): Promise<BooksInForce> {
  const { prices, checkedAt } = namesPlane(options)
    ? await planePrices((await connect(options)).operations)
    : { prices: shippedPriceBook(), checkedAt: undefined };
  if (options.prices === undefined) return { prices, checkedAt };
  const own = parsePriceBook(await readJson(options.prices));
  return { prices: combinePriceBooks(own, ...prices.books), checkedAt: undefined };
}

/**
 * `booksInForce` for commands that need no plane: where only the environment names one, and it does not run, the shipped books
 * answer, and a note says so. Throws `CliError` where the plane of a flag does not answer.
 */
export async function booksAtHand(options: Pick<BookOptions, 'data' | 'endpoint' | 'prices'>): Promise<PriceBook> {
  try {
    return (await booksInForce(options)).prices;
  } catch (error) {
    const flagged = options.data !== undefined || options.endpoint !== undefined;
    if (flagged || !(error instanceof CliError) || !NOT_RUNNING.has(error.code)) throw error;
    note(`The plane that the environment names does not answer (${error.code}); priced with the shipped books.`);
    const shipped = shippedPriceBook();
    if (options.prices === undefined) return shipped;
    return combinePriceBooks(parsePriceBook(await readJson(options.prices)), ...shipped.books);
  }
}

/** The plane's own book before the shipped ones, as its functions decide by them. */
export async function planePrices(operations: Pick<Operations, 'showPrices'>): Promise<{
  readonly prices: PriceBook;
  readonly checkedAt: number;
}> {
  const { book: json, checkedAt } = await operations.showPrices({});
  const book = parsePriceBook(JSON.parse(json));
  const others = shippedPriceBook().books.filter(({ id }) => id !== book.id);
  return { prices: combinePriceBooks(book, ...others), checkedAt };
}

/** Whether a plane was named, not only found on this machine. */
export function namesPlane({ data, endpoint }: Pick<PlaneOptions, 'data' | 'endpoint'>): boolean {
  const { STRATA_DATA, STRATA_ENDPOINT, STRATA_TABLE } = process.env;
  return [data, endpoint, STRATA_DATA, STRATA_ENDPOINT, STRATA_TABLE].some((name) => name !== undefined);
}

/** AWS's book of a region; where there is none, the first of AWS, which answers for it. */
export function bookOfRegion({ id, books }: PriceBook, region: string): PriceBookFile {
  const ofAws = books.filter(({ provider }) => provider === 'aws');
  const book = ofAws.find((one) => one.region === region) ?? ofAws[0];
  if (book !== undefined) return book;
  throw new PricingError({ code: 'invalid-book', message: `No book of AWS in ${id}.`, retryable: false });
}
