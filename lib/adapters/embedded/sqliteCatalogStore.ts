import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import * as z from 'zod/mini';
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
  TransactOutcome,
} from '../../shared/ports/catalogStore.ts';
import { CATALOG_LIMITS } from '../../shared/ports/catalogStore.ts';
import { EpochMs } from '../../shared/units.ts';
import type { MeasuredItem } from '../catalogCalls.ts';
import { checkChanges, checkKey, checkQuery } from '../catalogCalls.ts';
import { decodeCursor, encodeCursor } from '../cursors.ts';
import { applySchema, boundLimit, mapErrors, numberAt, prepareRows, type Row, textAt, transaction } from './sqlite.ts';
import { createTextParser } from './textParser.ts';

// SQLite compares TEXT by its UTF-8 bytes (BINARY collation), which is the order that the port promises.
const DDL = `
  CREATE TABLE items (
    partition TEXT NOT NULL, sort TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, bytes INTEGER NOT NULL,
    listing_partition TEXT, listing_sort TEXT, due_partition TEXT, due_sort TEXT, expires_at INTEGER,
    PRIMARY KEY (partition, sort)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX listing ON items (listing_partition, listing_sort, partition, sort) WHERE listing_partition IS NOT NULL;
  CREATE INDEX due ON items (due_partition, due_sort, partition, sort) WHERE due_partition IS NOT NULL;
  CREATE INDEX expiry ON items (expires_at) WHERE expires_at IS NOT NULL`;

// In the order in which `Column` names them.
const COLUMNS =
  'partition, sort, version, body, bytes, listing_partition, listing_sort, due_partition, due_sort, expires_at';
// Each write says itself what it must find: whether it changed a row tells whether that held.
const INSERT = `
  INSERT INTO items (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (partition, sort) DO NOTHING`;
const UPDATE = `
  UPDATE items SET version = ?, body = ?, bytes = ?, listing_partition = ?, listing_sort = ?, due_partition = ?,
    due_sort = ?, expires_at = ? WHERE partition = ? AND sort = ? AND version = ?`;

export interface SqliteCatalogStore extends CatalogStore {
  /** Drops up to 1,000 items whose moment has passed and answers how many it dropped. DynamoDB does the same by itself. */
  dropExpired(now: EpochMs): number;
}

/** The catalog of the embedded runtime on one SQLite database that nothing else uses. Indexes never lag here. */
export function createSqliteCatalogStore(database: DatabaseSync): SqliteCatalogStore {
  applySchema(database, 1, DDL);
  const parseBody = createTextParser();
  const select = prepareRows(database, `SELECT ${COLUMNS} FROM items WHERE partition = ? AND sort = ?`);
  const selectVersion = prepareRows(database, 'SELECT version FROM items WHERE partition = ? AND sort = ?');
  const insert = database.prepare(INSERT);
  const update = database.prepare(UPDATE);
  const remove = database.prepare('DELETE FROM items WHERE partition = ? AND sort = ? AND version = ?');
  const expire = database.prepare(
    `DELETE FROM items WHERE (partition, sort) IN
       (SELECT partition, sort FROM items WHERE expires_at IS NOT NULL AND expires_at < ? LIMIT 1000)`,
  );
  const pages = {
    table: preparePages(database, 'partition', 'sort', Column.sort),
    listing: preparePages(database, 'listing_partition', 'listing_sort', Column.listing + 1),
    due: preparePages(database, 'due_partition', 'due_sort', Column.due + 1),
  };

  function holds({ partition, sort }: ItemKey, expect: Expectation): boolean {
    const row = selectVersion.get(partition, sort);
    return expect === 'absent' ? row === undefined : row !== undefined && numberAt(row, 0) === expect.version;
  }

  /** Whether the change found what it expects; else nothing is changed. */
  function apply(change: Change, measured: MeasuredItem | undefined): boolean {
    if (change.kind === 'delete')
      return remove.run(change.key.partition, change.key.sort, change.expect.version).changes === 1;
    if (change.kind === 'check' || measured === undefined) return holds(keyOf(change), change.expect);
    const columns = columnsOf(change.item, change.expect, measured);
    if (change.expect === 'absent') return insert.run(...columns).changes === 1;
    const [partition, sort, ...others] = columns;
    return update.run(...others, partition, sort, change.expect.version).changes === 1;
  }

  function page(from: keyof typeof pages, query: Query): Page {
    checkQuery(query);
    const order = query.descending === true ? pages[from].descending : pages[from].ascending;
    return mapErrors(() => readPage(order, query, parseBody));
  }

  return {
    async get(key) {
      checkKey(key);
      const row = mapErrors(() => select.get(key.partition, key.sort));
      return row === undefined ? undefined : itemOf(row, parseBody);
    },
    async query(query) {
      return page('table', query);
    },
    async queryIndex(index: IndexName, query) {
      return page(index, query);
    },
    async transact(changes) {
      const measured = checkChanges(changes);
      const [only] = changes;
      // One statement is a transaction by itself.
      if (only !== undefined && changes.length === 1)
        return mapErrors(() => outcomeOf(apply(only, measured[0]) ? [] : [keyOf(only)]));
      return transaction(database, () => {
        const keys: ItemKey[] = [];
        changes.forEach((change, index) => {
          // After the first that does not hold, nothing is written that would only be rolled back.
          const held = keys.length === 0 ? apply(change, measured[index]) : holds(keyOf(change), change.expect);
          if (!held) keys.push(keyOf(change));
        });
        return { commit: keys.length === 0, value: outcomeOf(keys) };
      });
    },
    dropExpired(now) {
      return Number(mapErrors(() => expire.run(now)).changes);
    },
  };
}

function outcomeOf(conflicts: readonly ItemKey[]): TransactOutcome {
  return conflicts.length === 0 ? { outcome: 'committed' } : { outcome: 'conflict', keys: conflicts };
}

function keyOf(change: Change): ItemKey {
  return change.kind === 'put' ? change.item.key : change.key;
}

function columnsOf(
  item: ItemContent,
  expect: Expectation,
  measured: MeasuredItem,
): [string, string, ...SQLInputValue[]] {
  const { listing, due } = item.index ?? {};
  return [
    item.key.partition,
    item.key.sort,
    expect === 'absent' ? 1 : expect.version + 1,
    measured.bodyText,
    measured.bytes,
    listing?.partition ?? null,
    listing?.sort ?? null,
    due?.partition ?? null,
    due?.sort ?? null,
    item.expiresAt ?? null,
  ];
}

const Column = { partition: 0, sort: 1, version: 2, body: 3, bytes: 4, listing: 5, due: 7, expiresAt: 9 } as const;

type ParseBody = (text: string) => Item['body'];

function itemOf(row: Row, parseBody: ParseBody): Item {
  const listing = indexKey(row, Column.listing);
  const due = indexKey(row, Column.due);
  const expiresAt = row[Column.expiresAt];
  return {
    key: { partition: textAt(row, Column.partition), sort: textAt(row, Column.sort) },
    body: parseBody(textAt(row, Column.body)),
    version: numberAt(row, Column.version),
    ...(listing === undefined && due === undefined
      ? {}
      : { index: { ...(listing === undefined ? {} : { listing }), ...(due === undefined ? {} : { due }) } }),
    ...(expiresAt === null ? {} : { expiresAt: EpochMs.parse(expiresAt) }),
  };
}

/** The key of an index: its partition in `column`, its sort key in the next one. */
function indexKey(row: Row, column: number): ItemKey | undefined {
  if (row[column] === null) return undefined;
  return { partition: textAt(row, column), sort: textAt(row, column + 1) };
}

interface PageStatements {
  readonly ascending: PageStatement;
  readonly descending: PageStatement;
}

interface PageStatement {
  /** Of partition, from, to, limit. */
  readonly first: StatementSync;
  /** Of partition, from, to, the cursor's three texts, limit. */
  readonly next: StatementSync;
  /** Where the sort key of the page's order stands in a row. */
  readonly position: number;
}

/** Keyset paging: a cursor is the full key of the last item, so pages stay right while rows come and go. */
function preparePages(database: DatabaseSync, partition: string, sort: string, position: number): PageStatements {
  const statement = (direction: 'ASC' | 'DESC'): PageStatement => {
    const range = `SELECT ${COLUMNS} FROM items WHERE ${partition} = ? AND ${sort} >= ? AND ${sort} <= ?`;
    const after = `AND (${sort}, partition, sort) ${direction === 'ASC' ? '>' : '<'} (?, ?, ?)`;
    const order = `ORDER BY ${sort} ${direction}, partition ${direction}, sort ${direction} ${boundLimit()}`;
    return {
      first: prepareRows(database, `${range} ${order}`),
      next: prepareRows(database, `${range} ${after} ${order}`),
      position,
    };
  };
  return { ascending: statement('ASC'), descending: statement('DESC') };
}

/** SQLite orders every blob after every text. */
const AFTER_ALL_TEXT = new Uint8Array(0);

const Marker = z.tuple([z.string(), z.string(), z.string()]);

function readPage({ first, next, position }: PageStatement, query: Query, parseBody: ParseBody): Page {
  const items: Item[] = [];
  let bytes = 0;
  let last: Row | undefined;
  const range = [query.partition, query.from ?? '', query.to ?? AFTER_ALL_TEXT];
  const rows =
    query.cursor === undefined
      ? first.iterate(...range, query.limit + 1)
      : next.iterate(...range, ...decodeCursor(Marker, query.cursor), query.limit + 1);
  for (const row of rows) {
    const size = numberAt(row, Column.bytes);
    if (items.length === query.limit || (items.length > 0 && bytes + size > CATALOG_LIMITS.queryPageBytes)) {
      return { items, ...(last === undefined ? {} : { cursor: encodeCursor(markerAt(last, position)) }) };
    }
    items.push(itemOf(row, parseBody));
    bytes += size;
    last = row;
  }
  return { items };
}

function markerAt(row: Row, position: number): z.infer<typeof Marker> {
  return [textAt(row, position), textAt(row, Column.partition), textAt(row, Column.sort)];
}
