import { ReportedPricesRow } from '../catalog/index.ts';
import { acceptPrices, type PricesDeps, ratesOf, readPrices } from '../priceBooks/index.ts';
import { parsePriceBook, PricingError } from '../pricing/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';

export async function showPrices(deps: PricesDeps): Promise<OperationOutput<'showPrices'>> {
  const { book, bookId, checkedAt, own, prices, row } = await readPrices(deps);
  const reported = await ReportedPricesRow.get(deps.catalog, bookId);
  return {
    book: JSON.stringify(book),
    checkedAt,
    ...(row === undefined ? {} : { takenBy: row.value.takenBy }),
    ...(reported === undefined ? {} : { reported: { book: reported.value.json, at: reported.value.at } }),
    ...(own === undefined ? {} : { own: JSON.stringify(own) }),
    classes: [...ratesOf(deps, prices).classes],
  };
}

/** @throws PricingError `invalid-book`, `book-not-taken` */
export async function acceptPriceBook(
  deps: PricesDeps,
  { book: json, by, dryRun }: OperationInput<'acceptPrices'>,
): Promise<OperationOutput<'acceptPrices'>> {
  const book = parsePriceBook(parseJson(json));
  const { changes, beyond } = await acceptPrices(deps, { book, by, dryRun });
  return { id: book.id, asOf: book.asOf, changes: changes.length, beyond: beyond.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PricingError({ code: 'invalid-book', message: 'The price book is not JSON.', retryable: false, cause });
  }
}
