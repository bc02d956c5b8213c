import { type Decided, ReportedPricesRow, settle } from '../catalog/index.ts';
import {
  decideRefresh,
  isSoldEverywhere,
  type PriceBookFile,
  PricingError,
  type RefreshDecision,
} from '../pricing/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS } from '../shared/units.ts';
import { type PricesDeps, readPrices } from './inForce.ts';
import { putInForce } from './refreshPrices.ts';

export interface Acceptance {
  readonly book: PriceBookFile;
  readonly by: string;
  readonly dryRun: boolean;
}

/**
 * Puts a book in force because a person says so, however far its prices moved; answers what that changes.
 * @throws PricingError `book-not-taken` for a book of another region, one that lacks a storage class that is in force, one of a day after
 * tomorrow, and one whose date names other prices already; also of a dry run
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
    if (Date.parse(book.asOf) > clock.now() + DAY_MS) throw notTaken('its `asOf` is more than a day ahead.');
    const lacking = classesLacking(current.book, book);
    if (lacking.length > 0) throw notTaken(`it has no prices of ${lacking.join(', ')}, which are in force.`);
    const answer = decideRefresh(current.book, book);
    const accepted = current.row !== undefined && JSON.stringify(current.book) === JSON.stringify(book);
    if (accepted) return { changes: [], answer };
    const changes = await putInForce(catalog, current, book, clock.now(), by);
    if (changes.length === 0 || (current.book.id === id && current.book.asOf === book.asOf)) {
      throw notTaken('that date names other prices. Give the book another `asOf`, or wait for tomorrow’s.');
    }
    return { changes: dryRun ? [] : [...changes, ...(await forgetReported(deps, id))], answer };
  });
}

/** A book of another provider would answer for them. Another region need not sell all classes of the one that answered for it so far. */
function classesLacking(inForce: PriceBookFile, book: PriceBookFile): readonly string[] {
  return Object.keys(inForce.storage).filter(
    (name) => book.storage[name] === undefined && (inForce.id === book.id || isSoldEverywhere(name)),
  );
}

async function forgetReported({ catalog }: PricesDeps, id: string): Promise<readonly Change[]> {
  const reported = await ReportedPricesRow.get(catalog, id);
  return reported === undefined
    ? []
    : [{ kind: 'delete', key: ReportedPricesRow.key(id), expect: { version: reported.version } }];
}
