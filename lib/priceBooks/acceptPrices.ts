import { type Decided, ReportedPricesRow, settle } from '../catalog/index.ts';
import { decideRefresh, type PriceBookFile, PricingError, type RefreshDecision } from '../pricing/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { type PricesDeps, readPrices } from './inForce.ts';
import { putInForce } from './refreshPrices.ts';

export interface Acceptance {
  readonly book: PriceBookFile;
  readonly by: string;
  readonly dryRun: boolean;
}

/**
 * Puts a book in force because a person says so, however far its prices moved; answers what that changes.
 * @throws PricingError `book-not-taken` for a book of another region, and for one whose date names other prices already
 */
export function acceptPrices(deps: PricesDeps, { book, by, dryRun }: Acceptance): Promise<RefreshDecision> {
  const { catalog, clock } = deps;
  const notTaken = (why: string): PricingError =>
    new PricingError({
      code: 'book-not-taken',
      message: `${book.id}@${book.asOf} was not taken over: ${why}`,
      retryable: false,
    });
  return settle(catalog, 'Accepting prices', async (): Promise<Decided<RefreshDecision>> => {
    const current = await readPrices(deps);
    const id = current.bookId;
    if (book.id !== id) throw notTaken(`this plane is priced by ${id}.`);
    const answer = decideRefresh(current.book, book);
    const accepted = current.row !== undefined && JSON.stringify(current.book) === JSON.stringify(book);
    if (accepted || dryRun) return { changes: [], answer };
    const changes = await putInForce(catalog, current, book, clock.now(), by);
    if (changes.length === 0 || (current.book.id === id && current.book.asOf === book.asOf)) {
      throw notTaken('that date names other prices. Give the book another `asOf`, or wait for tomorrow’s.');
    }
    return { changes: [...changes, ...(await forgetReported(deps, id))], answer };
  });
}

async function forgetReported({ catalog }: PricesDeps, id: string): Promise<readonly Change[]> {
  const reported = await ReportedPricesRow.get(catalog, id);
  return reported === undefined
    ? []
    : [{ kind: 'delete', key: ReportedPricesRow.key(id), expect: { version: reported.version } }];
}
