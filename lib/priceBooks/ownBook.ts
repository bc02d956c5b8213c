import { PriceBookRow, settle, SweepSettingsRow, TierPolicyRow } from '../catalog/index.ts';
import { bookName, type PriceBookFile, priceBookOf, PricingError, samePrices } from '../pricing/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import type { TierSettings } from '../shared/tierSettings.ts';

/** What a plane is configured with; callers outside of it know nothing of it. */
export interface OwnBookSettings {
  /** The book that is to decide in place of the region's. */
  readonly ownBook?: PriceBookFile | undefined;
  readonly tierSweep?: SweepMode;
}

/** The settings of a plane that an operator has given a book, or none. */
export function ownBookSettings(
  book: PriceBookFile | undefined,
): Pick<OwnBookSettings, 'ownBook'> & Pick<TierSettings, 'priceBook'> {
  return book === undefined ? {} : { ownBook: book, priceBook: bookName(book) };
}

/**
 * Keeps an operator's book under its name, for the gate that looks at it and for the receipts that will name it. Safe to repeat. Throws
 * `PricingError` `book-not-taken` where the name is that of other prices.
 */
export function keepOwnBook(catalog: CatalogStore, book: PriceBookFile): Promise<void> {
  const { id, asOf } = book;
  const json = JSON.stringify(book);
  return settle(catalog, `The price book ${bookName(book)}`, async () => {
    const kept = await PriceBookRow.get(catalog, id, asOf);
    if (kept === undefined) return { changes: [PriceBookRow.put({ id, asOf, json }, 'absent')], answer: undefined };
    if (samePrices(priceBookOf(kept.value.json), book)) return { changes: [], answer: undefined };
    throw new PricingError({
      code: 'book-not-taken',
      message: `${bookName(book)} names other prices already: receipts go by them. Give the changed book another \`asOf\` or \`id\`.`,
      retryable: false,
    });
  });
}

/**
 * The operator's book that decides now, as the policy of storage classes does (`lib/tiering`): the one in force; what is configured where no
 * sweep has begun yet, and in dry runs. Undefined where the region's decides. Throws `PricingError` where nobody has kept it.
 */
export async function ownBookInForce(
  catalog: CatalogStore,
  settings: OwnBookSettings,
): Promise<PriceBookFile | undefined> {
  const { ownBook } = settings;
  const name = await nameInForce(catalog, settings);
  return name === undefined ? undefined : keptBook(catalog, name, ownBook);
}

async function nameInForce(
  catalog: CatalogStore,
  { ownBook, tierSweep }: OwnBookSettings,
): Promise<string | undefined> {
  const row = (await TierPolicyRow.get(catalog))?.value;
  if (row?.inForce !== undefined && (tierSweep === undefined || tierSweep === 'on')) return row.settings?.priceBook;
  if (tierSweep !== undefined) return ownBook && bookName(ownBook);
  return (await SweepSettingsRow.get(catalog))?.value.settings.priceBook;
}

/** What is kept under a name counts, for receipts go by it. */
export async function keptBook(
  catalog: CatalogStore,
  name: string,
  configured?: PriceBookFile,
): Promise<PriceBookFile> {
  const [id = '', asOf = ''] = name.split('@');
  const kept = await PriceBookRow.get(catalog, id, asOf);
  if (kept !== undefined) return priceBookOf(kept.value.json);
  if (configured !== undefined && bookName(configured) === name) return configured;
  throw new PricingError({
    code: 'unknown-price',
    message: `Decisions go by the price book ${name}, which this plane has not kept. Configure it again.`,
    retryable: false,
  });
}
