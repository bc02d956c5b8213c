import { bookName } from './decidingBook.ts';
import { PricingError } from './errors.ts';
import { combinePriceBooks, type PriceBook, parsePriceBook } from './priceBook.ts';

/** The books as the plane tells hosts of them: JSON, in the order in which they answer, without what hosts do not weigh by. */
export function hostBooks({ books }: PriceBook): string {
  return JSON.stringify(
    books.map((book) => {
      const { tiers: _, workers: __, ...told } = book;
      const sources = Object.keys(book.sources).map((name) => [name, { note: '' }] as const);
      return { ...told, sources: Object.fromEntries(sources) };
    }),
  );
}

/** What `hostBooks` has written, before `behind`. Throws `PricingError` `invalid-book`. */
export function booksOfPlane(text: string, behind: PriceBook): PriceBook {
  const told = listOf(text).map(parsePriceBook);
  const names = new Set(told.map(bookName));
  return combinePriceBooks(...told, ...behind.books.filter((book) => !names.has(bookName(book))));
}

function listOf(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch (cause) {
    throw notBooks(cause);
  }
  throw notBooks();
}

function notBooks(cause?: unknown): PricingError {
  return new PricingError({
    code: 'invalid-book',
    message: 'What the plane has told of its prices is no list of price books.',
    retryable: false,
    ...(cause === undefined ? {} : { cause }),
  });
}
