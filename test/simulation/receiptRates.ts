import { compileRates, type Rates } from '../../lib/placement/index.ts';
import { pricesNamed } from '../../lib/priceBooks/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { violated } from './invariants.ts';

/** Reads the rates that a receipt names as the second word of its policy: somebody must have kept them. */
export function createReceiptRates(catalog: CatalogStore): (policy: string) => Promise<Rates> {
  const rates = new Map<string, Rates>();
  return async (policy) => {
    const named = policy.split(' ')[1] ?? '';
    const known = rates.get(named);
    if (known !== undefined) return known;
    const books = await pricesNamed(catalog, named);
    if (books === undefined) violated(`A receipt names ${named}, which nobody has kept.`);
    const compiled = compileRates(books);
    rates.set(named, compiled);
    return compiled;
  };
}
