import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { Json } from '../../shared/canonicalJson.ts';
import { PortError } from '../../shared/errors.ts';
import type { Change, Expectation, IndexName, Item, ItemContent, ItemKey } from '../../shared/ports/catalogStore.ts';
import { EpochMs, SECOND_MS } from '../../shared/units.ts';

/**
 * One row in DynamoDB:
 *
 *     pk, sk                   the key
 *     version                  N, what conditional writes name
 *     body                     S, JSON text: sizes, nesting and numbers behave exactly as in the embedded store
 *     listingPk, listingSk     keys of the sparse indexes `listing` and `due`
 *     duePk, dueSk
 *     expiresAt                N, milliseconds
 *     ttl                      N, seconds rounded up, which DynamoDB's time to live reads
 */
export type DynamoRow = Record<string, AttributeValue>;

export const INDEX_ATTRIBUTES: Readonly<Record<IndexName, { readonly pk: string; readonly sk: string }>> = {
  listing: { pk: 'listingPk', sk: 'listingSk' },
  due: { pk: 'duePk', sk: 'dueSk' },
};

const TTL_ATTRIBUTE = 'ttl';

const JsonObject = z.record(z.string(), z.json());

export function keyOf(key: ItemKey): DynamoRow {
  return { pk: { S: key.partition }, sk: { S: key.sort } };
}

function rowOf(item: ItemContent, bodyText: string, version: number): DynamoRow {
  const row: DynamoRow = { ...keyOf(item.key), version: { N: String(version) }, body: { S: bodyText } };
  for (const name of ['listing', 'due'] as const) {
    const index = item.index?.[name];
    if (index === undefined) continue;
    row[INDEX_ATTRIBUTES[name].pk] = { S: index.partition };
    row[INDEX_ATTRIBUTES[name].sk] = { S: index.sort };
  }
  if (item.expiresAt !== undefined) {
    row['expiresAt'] = { N: String(item.expiresAt) };
    row[TTL_ATTRIBUTE] = { N: String(Math.ceil(item.expiresAt / SECOND_MS)) };
  }
  return row;
}

/** The item of a stored row. Throws `PortError` `corrupt` on a row that this adapter did not write. */
export function itemOf(row: DynamoRow): Item {
  const partition = row['pk']?.S;
  const sort = row['sk']?.S;
  const version = Number(row['version']?.N);
  if (partition === undefined || sort === undefined || !Number.isSafeInteger(version)) throw corrupt(partition, sort);
  const index: { [Name in IndexName]?: ItemKey } = {};
  for (const name of ['listing', 'due'] as const) {
    const indexPartition = row[INDEX_ATTRIBUTES[name].pk]?.S;
    const indexSort = row[INDEX_ATTRIBUTES[name].sk]?.S;
    if (indexPartition !== undefined && indexSort !== undefined) {
      index[name] = { partition: indexPartition, sort: indexSort };
    }
  }
  const expiresAt = row['expiresAt']?.N;
  return {
    key: { partition, sort },
    body: bodyOf(row, partition, sort),
    version,
    ...(Object.keys(index).length === 0 ? {} : { index }),
    ...(expiresAt === undefined ? {} : { expiresAt: EpochMs.parse(Number(expiresAt)) }),
  };
}

function bodyOf(row: DynamoRow, partition: string, sort: string): { readonly [name: string]: Json | undefined } {
  try {
    return JsonObject.parse(JSON.parse(row['body']?.S ?? ''));
  } catch (error) {
    throw corrupt(partition, sort, error);
  }
}

function corrupt(partition: string | undefined, sort: string | undefined, cause?: unknown): PortError {
  return new PortError({
    code: 'corrupt',
    message: `Row ${partition} / ${sort} of the catalog table is no Strata row. Restore it or delete it.`,
    retryable: false,
    cause,
  });
}

/** What one change sends; `bodyText` is the measured body of a put. */
export function writeOf(table: string, change: Change, bodyText: string): TransactWriteItem {
  const condition = conditionOf(change.expect);
  if (change.kind === 'put') {
    const version = change.expect === 'absent' ? 1 : change.expect.version + 1;
    return { Put: { TableName: table, Item: rowOf(change.item, bodyText, version), ...condition } };
  }
  const target = { TableName: table, Key: keyOf(change.key), ...condition };
  return change.kind === 'delete' ? { Delete: target } : { ConditionCheck: target };
}

export function changedKey(change: Change): ItemKey {
  return change.kind === 'put' ? change.item.key : change.key;
}

function conditionOf(expect: Expectation): {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: DynamoRow;
} {
  if (expect === 'absent') {
    return { ConditionExpression: 'attribute_not_exists(#key)', ExpressionAttributeNames: { '#key': 'pk' } };
  }
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': { N: String(expect.version) } },
  };
}
