import { diffPrices, type PriceChange } from './listPrices.ts';
import type { PriceBookFile } from './priceBook.ts';

/** A price that moves by more than this factor, or to or from nothing, is looked at by a person before it moves bytes. */
export const MOST_FACTOR = 3;

/** What to do with a book that was just made from lists. */
export interface RefreshDecision {
  readonly action: 'keep' | 'take' | 'report';
  /** `same-date`: a date names one book for good, so today's second one waits until tomorrow, and so does one of a clock that went back. */
  readonly reason: 'unchanged' | 'changed' | 'beyond-bound' | 'same-date';
  readonly changes: readonly PriceChange[];
  /** Those of the changes that are beyond the bound. */
  readonly beyond: readonly PriceChange[];
}

/**
 * Whether a fresh book replaces the one in force by itself. Of two regions' books only what both have is compared: the first book of a
 * region is measured against the one that answered for it so far.
 */
export function decideRefresh(inForce: PriceBookFile, fresh: PriceBookFile): RefreshDecision {
  const sameBook = inForce.id === fresh.id;
  const changes = diffPrices(inForce, fresh).filter(({ after }) => sameBook || after !== undefined);
  const beyond = changes.filter((change) => isBeyond(change, inForce));
  if (beyond.length > 0) return { action: 'report', reason: 'beyond-bound', changes, beyond };
  if (sameBook && changes.length === 0) return { action: 'keep', reason: 'unchanged', changes, beyond };
  if (sameBook && fresh.asOf <= inForce.asOf) return { action: 'keep', reason: 'same-date', changes, beyond };
  return { action: 'take', reason: 'changed', changes, beyond };
}

/**
 * Also a price that disappears: what it would be charged at is not known any more. A new one replaces nothing, unless it is of a storage
 * class that is in force: what lies there would cost what it did not.
 */
function isBeyond({ item, before, after }: PriceChange, { storage }: PriceBookFile): boolean {
  if (before === undefined) {
    return (after ?? 0) > 0 && Object.keys(storage).some((name) => item.startsWith(`${name} `));
  }
  if (after === undefined) return true;
  return after > before * MOST_FACTOR || before > after * MOST_FACTOR;
}

/** By how many per cent a price changed; undefined where there is nothing to compare it with. */
export function changePercent({ before, after }: PriceChange): number | undefined {
  return before === undefined || after === undefined || before === 0 ? undefined : (after / before - 1) * 100;
}
