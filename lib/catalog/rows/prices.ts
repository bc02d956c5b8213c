import * as z from 'zod/mini';
import { EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** A price book as it is kept: `id@asOf` names its prices for good. The rows do not look into its JSON. */
const Book = {
  id: z.string().check(z.regex(/^[A-Za-z0-9._/-]{1,64}$/)),
  asOf: z.iso.date(),
  json: z.string().check(z.maxLength(200_000)),
};

/** The book that decisions are priced by, where it is not the shipped one. */
export const PricesInForceValue = z.strictObject({
  ...Book,
  /** When a list was last found to say the same, or gave this book. */
  checkedAt: EpochMs,
  /** Who took the book over: a person, or the refresh. */
  takenBy: z.string(),
});
export type StoredPrices = z.infer<typeof PricesInForceValue>;

export const PricesInForceRow = defineRow({
  name: 'prices in force',
  schemaVersion: 1,
  schema: PricesInForceValue,
  key: (id: string) => ({ partition: `PRICES#${id}`, sort: 'INFORCE' }),
  keyOf: (value): [string] => [value.id],
});

/** A fresh book that is not taken over by itself. */
export const ReportedPricesValue = z.strictObject({ ...Book, at: EpochMs });

export const ReportedPricesRow = defineRow({
  name: 'reported prices',
  schemaVersion: 1,
  schema: ReportedPricesValue,
  key: (id: string) => ({ partition: `PRICES#${id}`, sort: 'REPORTED' }),
  keyOf: (value): [string] => [value.id],
});

/** A book that was in force, for the receipts that name it. Never changed, never deleted. */
export const PriceBookValue = z.strictObject(Book);

export const PriceBookRow = defineRow({
  name: 'price book',
  schemaVersion: 1,
  schema: PriceBookValue,
  key: (id: string, asOf: string) => ({ partition: `PRICES#${id}`, sort: `BOOK#${asOf}` }),
  keyOf: (value): [string, string] => [value.id, value.asOf],
});
