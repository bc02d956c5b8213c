import { checkChanges, checkKey, checkQuery, invalid, type MeasuredItem } from '../../lib/adapters/catalogCalls.ts';
import type {
  CatalogStore,
  Change,
  Expectation,
  IndexName,
  Item,
  ItemContent,
  ItemKey,
  Page,
  Query,
} from '../../lib/shared/ports/catalogStore.ts';
import { CATALOG_LIMITS } from '../../lib/shared/ports/catalogStore.ts';

/*
 * A catalog in memory, held to the same contract as SQLite and DynamoDB. The table and its two indexes are lists per
 * partition, kept in the order of (sort key, partition, sort key of the table). Items are made once per write and frozen.
 */

interface Stored {
  readonly item: Item;
  readonly bytes: number;
}

interface Place {
  /** The sort key within the list's partition. */
  readonly at: string;
  readonly stored: Stored;
}

type Order = Pick<Place, 'at'> & { readonly stored: { readonly item: { readonly key: ItemKey } } };

export function createMemCatalogStore(): CatalogStore {
  const rows = new Map<string, Stored>();
  const lists: Record<'table' | IndexName, Map<string, Place[]>> = {
    table: new Map(),
    listing: new Map(),
    due: new Map(),
  };

  function holds(key: ItemKey, expect: Expectation): boolean {
    const version = rows.get(name(key))?.item.version;
    return expect === 'absent' ? version === undefined : version === expect.version;
  }

  function drop(key: ItemKey): void {
    const stored = rows.get(name(key));
    if (stored === undefined) return;
    rows.delete(name(key));
    for (const [list, at] of placesOf(stored.item)) {
      const places = lists[list].get(at.partition) ?? [];
      places.splice(find(places, { at: at.sort, stored }), 1);
      if (places.length === 0) lists[list].delete(at.partition);
    }
  }

  function put(content: ItemContent, expect: Expectation, { bodyText, bytes }: MeasuredItem): void {
    drop(content.key);
    const item = freeze(itemOf(content, bodyText, expect === 'absent' ? 1 : expect.version + 1));
    const stored = { item, bytes };
    rows.set(name(content.key), stored);
    for (const [list, at] of placesOf(item)) {
      const places = lists[list].get(at.partition) ?? [];
      lists[list].set(at.partition, places);
      const place = { at: at.sort, stored };
      places.splice(find(places, place), 0, place);
    }
  }

  function page(list: 'table' | IndexName, query: Query): Page {
    checkQuery(query);
    const { from, to, cursor, limit } = query;
    const all = lists[list].get(query.partition) ?? [];
    const places = query.descending === true ? all.toReversed() : all;
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const sign = query.descending === true ? -1 : 1;
    const items: Item[] = [];
    let bytes = 0;
    let last: Place | undefined;
    for (const place of places) {
      if (from !== undefined && compare(place.at, from) < 0) continue;
      if (to !== undefined && compare(place.at, to) > 0) continue;
      if (after !== undefined && sign * order(place, after) <= 0) continue;
      const full = items.length > 0 && bytes + place.stored.bytes > CATALOG_LIMITS.queryPageBytes;
      if (items.length === limit || full)
        return { items, ...(last === undefined ? {} : { cursor: encodeCursor(last) }) };
      items.push(place.stored.item);
      bytes += place.stored.bytes;
      last = place;
    }
    return { items };
  }

  return {
    async get(key) {
      checkKey(key);
      return rows.get(name(key))?.item;
    },
    query: async (query) => page('table', query),
    queryIndex: async (index, query) => page(index, query),
    async transact(changes) {
      const measured = checkChanges(changes);
      const keys = changes.filter((change) => !holds(keyOf(change), change.expect)).map(keyOf);
      if (keys.length > 0) return { outcome: 'conflict', keys };
      for (const [index, change] of changes.entries()) {
        const size = measured[index];
        if (change.kind === 'put' && size !== undefined) put(change.item, change.expect, size);
        if (change.kind === 'delete') drop(change.key);
      }
      return { outcome: 'committed' };
    },
  };
}

function keyOf(change: Change): ItemKey {
  return change.kind === 'put' ? change.item.key : change.key;
}

function name({ partition, sort }: ItemKey): string {
  return `${partition}\n${sort}`;
}

function itemOf({ key, index, expiresAt }: ItemContent, bodyText: string, version: number): Item {
  const indexes = Object.entries({ ...index }).flatMap(([of, at]) => (at === undefined ? [] : [[of, { ...at }]]));
  const body: Item['body'] = JSON.parse(bodyText);
  return {
    key: { ...key },
    body,
    version,
    ...(indexes.length === 0 ? {} : { index: Object.fromEntries(indexes) }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freeze(member);
    Object.freeze(value);
  }
  return value;
}

function placesOf({ key, index }: Item): readonly (readonly ['table' | IndexName, ItemKey])[] {
  const places: (readonly ['table' | IndexName, ItemKey])[] = [['table', key]];
  if (index?.listing !== undefined) places.push(['listing', index.listing]);
  if (index?.due !== undefined) places.push(['due', index.due]);
  return places;
}

/** Where the place stands, or would stand, by binary search. */
function find(places: readonly Place[], place: Order): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = places[middle];
    if (other !== undefined && order(other, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function order(a: Order, b: Order): number {
  const [keyA, keyB] = [a.stored.item.key, b.stored.item.key];
  return compare(a.at, b.at) || compare(keyA.partition, keyB.partition) || compare(keyA.sort, keyB.sort);
}

/** By UTF-8 bytes, which is the order of code points: in UTF-16 the surrogates stand below U+E000 to U+FFFF. */
function compare(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function encodeCursor({ at, stored }: Place): string {
  const { partition, sort } = stored.item.key;
  return Buffer.from(JSON.stringify([at, partition, sort])).toString('base64url');
}

function decodeCursor(text: string): Order {
  try {
    const [at, partition, sort]: unknown[] = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof at === 'string' && typeof partition === 'string' && typeof sort === 'string')
      return { at, stored: { item: { key: { partition, sort } } } };
  } catch {
    // Refused below, as any other text.
  }
  throw invalid('The cursor is none that this store answered. Start the query again.');
}
