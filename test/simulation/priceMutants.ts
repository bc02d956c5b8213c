import type { Mutant } from './mutant.ts';

/** Edits of how prices come into force. */
export const priceMutants: readonly Mutant[] = [
  {
    id: 'poisoned-list-taken',
    breaks: 'A list that was tampered with decides: prices beyond the bound are taken over by themselves.',
    file: 'lib/pricing/decideRefresh.ts',
    find: "if (beyond.length > 0) return { action: 'report'",
    replace: "if (beyond.length > 99) return { action: 'report'",
  },
  {
    id: 'taken-book-not-kept',
    breaks: 'A receipt names a book that nobody has kept, so its decision cannot be made again.',
    file: 'lib/priceBooks/refreshPrices.ts',
    find: 'return [...changes, PricesInForceRow.put(value, expectationOf(row))];',
    replace: 'return [PricesInForceRow.put(value, expectationOf(row))];',
  },
];
