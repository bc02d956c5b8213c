import type { Json } from '../canonicalJson.ts';
import type { EpochMs } from '../units.ts';

export interface ItemKey {
  readonly partition: string;
  readonly sort: string;
}

/** `listing` answers "which ones are there"; `due` answers "which ones wait for something until when". */
export type IndexName = 'listing' | 'due';

export interface ItemContent {
  readonly key: ItemKey;
  /** JSON object; always carries its schema version as `v`. A store may answer one body again: then it is frozen to its depth. */
  readonly body: { readonly [name: string]: Json | undefined };
  /** Sparse: an item is in an index only while it carries that index's key. */
  readonly index?: { readonly [Name in IndexName]?: ItemKey };
  /** The store may drop the item at any time after this moment, not before; readers that care check it themselves. */
  readonly expiresAt?: EpochMs | undefined;
}

export interface Item extends ItemContent {
  /** Counts the writes of this key since it was last absent, from 1. */
  readonly version: number;
}

export type Expectation = 'absent' | { readonly version: number };

export type Change =
  | { readonly kind: 'put'; readonly item: ItemContent; readonly expect: Expectation }
  | { readonly kind: 'delete'; readonly key: ItemKey; readonly expect: { readonly version: number } }
  | { readonly kind: 'check'; readonly key: ItemKey; readonly expect: Expectation };

export type TransactOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'conflict'; readonly keys: readonly ItemKey[] };

export interface Query {
  readonly partition: string;
  /** Inclusive bounds on the sort key, compared by UTF-8 bytes. */
  readonly from?: string;
  readonly to?: string;
  readonly descending?: boolean;
  /** 1–1000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page {
  readonly items: readonly Item[];
  /** Opaque; absent on the last page. A page may be shorter than its limit, even empty, and still have a cursor. */
  readonly cursor?: string;
}

export const CATALOG_LIMITS = {
  itemBytes: 400_000,
  transactionBytes: 4_000_000,
  transactionChanges: 100,
  queryPageBytes: 1_000_000,
} as const;

/**
 * The catalog: an ordered key-value store with versioned items.
 *
 * Guarantees that both runtimes give: `get` and `query` see every write committed before the call; `queryIndex` sees it
 * some time later and may return items in an older state, so whoever acts on an answer re-reads by key. `transact` is
 * all or nothing; it names the keys whose expectation did not hold, and a lost race is a value, never an exception.
 * A retried `transact` whose first try did commit answers `conflict`: callers re-read and find their own write.
 * Errors: `PortError` `throttled` and `unavailable` (retryable), `too-large`, `invalid-request`.
 */
export interface CatalogStore {
  get(key: ItemKey): Promise<Item | undefined>;
  query(query: Query): Promise<Page>;
  queryIndex(index: IndexName, query: Query): Promise<Page>;
  transact(changes: readonly Change[]): Promise<TransactOutcome>;
}
