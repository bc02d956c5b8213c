import type { Operations } from '../../lib/operations/index.ts';
import { compileRates, type Rates } from '../../lib/placement/index.ts';
import {
  bookName,
  combinePriceBooks,
  decidingBook,
  type PriceBook,
  type PriceBookFile,
  PricingError,
  parsePriceBook,
  shippedPriceBook,
} from '../../lib/pricing/index.ts';
import type { StorageClass } from '../../lib/shared/ids.ts';
import { connect, type PlaneOptions } from '../connection/connect.ts';
import { planeNames } from '../connection/planeNames.ts';
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
  /** The storage classes of the plane's store, where one says so. */
  readonly classes?: readonly StorageClass[] | undefined;
}

const NOT_RUNNING = new Set<string>(['no-plane', 'plane-unreachable']);

/** Those of the plane that is named, else the shipped ones; behind the book of a file. */
export async function booksInForce(options: Pick<BookOptions, 'data' | 'endpoint' | 'prices'>): Promise<BooksInForce> {
  const { classes, prices, checkedAt }: BooksInForce =
    planeNames(options, process.env).length > 0
      ? await planePrices((await connect(options)).operations)
      : { prices: shippedPriceBook(), checkedAt: undefined };
  if (options.prices === undefined) return { classes, prices, checkedAt };
  const own = parsePriceBook(await readJson(options.prices));
  return { prices: combinePriceBooks(own, ...prices.books), checkedAt: undefined };
}

/** The rates of a file's book before those that are at hand; these alone without a file. */
export async function ratesOfFile(path: string | undefined, rates: Rates): Promise<Rates> {
  if (path === undefined) return rates;
  return rates.at(combinePriceBooks(parsePriceBook(await readJson(path)), ...rates.prices.books));
}

/** The same as rates: what decides, and among what. */
export function ratesOfBooks({ classes, prices }: BooksInForce): Rates {
  return compileRates(prices, classes === undefined ? {} : { classes });
}

/**
 * `booksInForce` for commands that need no plane: where only the environment names one, and it does not run, the shipped books
 * answer, and a note says so. Throws `CliError` where the plane of a flag does not answer.
 */
export async function booksAtHand(options: Pick<BookOptions, 'data' | 'endpoint' | 'prices'>): Promise<Rates> {
  try {
    return ratesOfBooks(await booksInForce(options));
  } catch (error) {
    const flagged = options.data !== undefined || options.endpoint !== undefined;
    if (flagged || !(error instanceof CliError) || !NOT_RUNNING.has(error.code)) throw error;
    note(`The plane that the environment names does not answer (${error.code}); priced with the shipped books.`);
    const shipped = shippedPriceBook();
    if (options.prices === undefined) return compileRates(shipped);
    return compileRates(combinePriceBooks(parsePriceBook(await readJson(options.prices)), ...shipped.books));
  }
}

/** The operator's book of the plane and that of its region before the shipped ones, as its functions decide by them. */
export async function planePrices(operations: Pick<Operations, 'showPrices'>): Promise<
  BooksInForce & {
    readonly checkedAt: number;
  }
> {
  const { book: json, checkedAt, classes, own } = await operations.showPrices({});
  const book = parsePriceBook(JSON.parse(json));
  const deciding = own === undefined ? [] : [parsePriceBook(JSON.parse(own))];
  const others = shippedPriceBook().books.filter(({ id }) => id !== book.id);
  return { prices: combinePriceBooks(...deciding, book, ...others), checkedAt, classes };
}

/** Which book decides where bytes lie, and among which storage classes. */
export function decidesText({ classes, prices }: Pick<Rates, 'classes' | 'prices'>): string {
  const book = decidingBook(prices);
  return book === undefined ? 'No book decides.' : `${bookName(book)} decides, among ${classes.join(', ')}.`;
}

/** AWS's book of a region; where there is none, the first of AWS, which answers for it. */
export function bookOfRegion({ id, books }: PriceBook, region: string): PriceBookFile {
  const ofAws = books.filter(({ provider }) => provider === 'aws');
  const book = ofAws.find((one) => one.region === region) ?? ofAws[0];
  if (book !== undefined) return book;
  throw new PricingError({ code: 'invalid-book', message: `No book of AWS in ${id}.`, retryable: false });
}
