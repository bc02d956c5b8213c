import type * as z from 'zod/mini';
import type { Json } from '../shared/canonicalJson.ts';
import { ContractError } from '../shared/errors.ts';
import { frozen } from '../shared/frozen.ts';
import type {
  CatalogStore,
  Change,
  Expectation,
  IndexName,
  Item,
  ItemKey,
  Query,
} from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** A row as read: its value and the version that the next conditional write names. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

type RowValue = { readonly [name: string]: Json | undefined };

export interface RowType<T extends RowValue, K extends readonly unknown[]> {
  readonly key: (...parts: K) => ItemKey;
  get(store: CatalogStore, ...parts: K): Promise<Versioned<T> | undefined>;
  put(value: T, expect: Expectation): Change;
  /** Checks an item that a query answered. Throws `ContractError` when it is not of this type. */
  parse(item: Item): Versioned<T>;
  /** Whether an item stands in the indexes where a put of today puts it: an older release may have known fewer. */
  isIndexed(item: Item): boolean;
}

export interface RowTypeOptions<T extends RowValue, K extends readonly unknown[]> {
  readonly name: string;
  /** Written into every row as `v`; a reader that meets another number refuses the row. */
  readonly schemaVersion: number;
  readonly schema: z.ZodMiniType<T>;
  readonly key: (...parts: K) => ItemKey;
  readonly keyOf: (value: T) => K;
  readonly index?: (value: T) => { readonly [Name in IndexName]?: ItemKey };
  readonly expiresAt?: (value: T) => EpochMs | undefined;
}

/** One kind of row of the catalog's single table: its key, its indexes and its checked shape. */
export function defineRow<T extends RowValue, K extends readonly unknown[]>(
  options: RowTypeOptions<T, K>,
): RowType<T, K> {
  /** What frozen bodies hold, which a store answers again and again. */
  const checked = new WeakMap<Item['body'], T>();

  function parse(item: Item): Versioned<T> {
    const known = checked.get(item.body);
    if (known !== undefined) return { value: known, version: item.version };
    const { v, ...body } = item.body;
    const parsed = options.schema.safeParse(body);
    if (v !== options.schemaVersion || !parsed.success) {
      throw new ContractError({
        code: 'invalid-row',
        message: `Row ${item.key.partition} / ${item.key.sort} is no ${options.name} of schema version ${options.schemaVersion}. Run \`strata doctor\`.`,
        retryable: false,
        cause: parsed.error,
      });
    }
    if (Object.isFrozen(item.body)) checked.set(item.body, frozen(parsed.data));
    return { value: parsed.data, version: item.version };
  }
  return {
    key: options.key,
    parse,
    isIndexed(item) {
      const index = options.index?.(parse(item).value);
      return isSameKey(index?.listing, item.index?.listing) && isSameKey(index?.due, item.index?.due);
    },
    async get(store, ...parts) {
      const item = await store.get(options.key(...parts));
      return item === undefined ? undefined : parse(item);
    },
    put(value, expect) {
      return {
        kind: 'put',
        expect,
        item: {
          key: options.key(...options.keyOf(value)),
          body: { v: options.schemaVersion, ...value },
          ...(options.index === undefined ? {} : { index: options.index(value) }),
          expiresAt: options.expiresAt?.(value),
        },
      };
    },
  };
}

function isSameKey(one: ItemKey | undefined, other: ItemKey | undefined): boolean {
  return one?.partition === other?.partition && one?.sort === other?.sort;
}

/** What the next write of a row must find: the version that was read, or nothing. */
export function expectationOf(row: Versioned<unknown> | undefined): Expectation {
  return row === undefined ? 'absent' : { version: row.version };
}

/** Every item of a partition's range, page by page. For ranges that are bounded by design (the parts of one blob, its replicas). */
export async function queryAll(store: CatalogStore, query: Omit<Query, 'cursor' | 'limit'>): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.query({ ...query, limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

/** The range of sort keys that start with `prefix`. */
export function startingWith(prefix: string): { readonly from: string; readonly to: string } {
  return { from: prefix, to: `${prefix}\u{10ffff}` };
}

/** Sortable text of a moment: 15 digits. */
export function sortableTime(at: EpochMs): string {
  return String(at).padStart(15, '0');
}

/** A stable shard of a text, from 0 to `shards` − 1 (FNV-1a, 32 bit). */
export function shardOf(text: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
