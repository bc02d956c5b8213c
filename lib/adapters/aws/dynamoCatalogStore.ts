import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { PortError } from '../../shared/errors.ts';
import type {
  CatalogStore,
  Change,
  IndexName,
  ItemKey,
  Page,
  Query,
  TransactOutcome,
} from '../../shared/ports/catalogStore.ts';
import { checkChanges, checkKey, checkQuery } from '../catalogCalls.ts';
import { decodeCursor, encodeCursor } from '../cursors.ts';
import { changedKey, type DynamoRow, INDEX_ATTRIBUTES, itemOf, keyOf, writeOf } from './dynamoItems.ts';
import { mapErrors, portErrorOf } from './errors.ts';

/** How often a transaction that met another one on the same rows is tried again before the caller hears of it. */
const COLLISION_TRIES = 6;
const COLLISION_PAUSE_MS = 15;

const Marker = z.record(z.string(), z.object({ S: z.string() }));

/**
 * The catalog in one DynamoDB table with the indexes `listing` and `due`. Base-table reads are strongly consistent; each
 * `transact` is one TransactWriteItems whose ClientRequestToken makes the SDK's own retries safe.
 */
export function createDynamoCatalogStore(options: {
  readonly client: DynamoDBClient;
  readonly table: string;
}): CatalogStore {
  const { client, table } = options;

  async function page(query: Query, index: IndexName | undefined): Promise<Page> {
    checkQuery(query);
    // DynamoDB refuses BETWEEN with its bounds the wrong way round; to a caller such a range is just empty.
    if (query.to === '' || isBefore(query.to, query.from)) return { items: [] };
    const key = index === undefined ? { pk: 'pk', sk: 'sk' } : INDEX_ATTRIBUTES[index];
    const range = rangeOf(query);
    const answer = await mapErrors(`query ${index ?? 'table'} partition ${query.partition}`, () =>
      client.send(
        new QueryCommand({
          TableName: table,
          ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
          KeyConditionExpression: `#pk = :pk${range.condition}`,
          ExpressionAttributeNames: { '#pk': key.pk, ...(range.condition === '' ? {} : { '#sk': key.sk }) },
          ExpressionAttributeValues: { ':pk': { S: query.partition }, ...range.values },
          ScanIndexForward: query.descending !== true,
          Limit: query.limit,
          ...(query.cursor === undefined ? {} : { ExclusiveStartKey: decodeCursor(Marker, query.cursor) }),
        }),
      ),
    );
    const items = (answer.Items ?? []).map(itemOf);
    return answer.LastEvaluatedKey === undefined ? { items } : { items, cursor: encodeCursor(answer.LastEvaluatedKey) };
  }

  return {
    async get(key) {
      checkKey(key);
      const answer = await mapErrors(`read ${key.partition} / ${key.sort}`, () =>
        client.send(new GetItemCommand({ TableName: table, Key: keyOf(key), ConsistentRead: true })),
      );
      return answer.Item === undefined ? undefined : itemOf(answer.Item);
    },
    query: (query) => page(query, undefined),
    queryIndex: (index, query) => page(query, index),
    async transact(changes) {
      const measured = checkChanges(changes);
      const writes = changes.map((change, index) => writeOf(table, change, measured[index]?.bodyText ?? ''));
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await tryTransact(client, changes, writes);
        if (outcome !== 'collided') return outcome;
        if (attempt === COLLISION_TRIES) {
          throw new PortError({
            code: 'throttled',
            message: `Other transactions kept these ${changes.length} rows busy. Retry with backoff.`,
            retryable: true,
          });
        }
        await sleep(Math.random() * COLLISION_PAUSE_MS * 2 ** attempt);
      }
    },
  };
}

/** `collided`: another transaction held one of the rows at that moment, which says nothing about the expectations. */
async function tryTransact(
  client: DynamoDBClient,
  changes: readonly Change[],
  writes: TransactWriteItem[],
): Promise<TransactOutcome | 'collided'> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: writes, ClientRequestToken: randomUUID() }));
    return { outcome: 'committed' };
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw portErrorOf('write to the catalog', error);
    return cancelled(changes, error);
  }
}

function cancelled(changes: readonly Change[], error: TransactionCanceledException): TransactOutcome | 'collided' {
  const reasons = error.CancellationReasons ?? [];
  const lost: ItemKey[] = [];
  for (const [index, change] of changes.entries()) {
    if (reasons[index]?.Code === 'ConditionalCheckFailed') lost.push(changedKey(change));
  }
  if (lost.length > 0) return { outcome: 'conflict', keys: lost };
  const codes = new Set(reasons.map((reason) => reason.Code));
  if (codes.has('TransactionConflict')) return 'collided';
  const throttled = codes.has('ThrottlingError') || codes.has('ProvisionedThroughputExceeded');
  throw new PortError({
    code: throttled ? 'throttled' : 'invalid-request',
    message: `The catalog refused a transaction: ${reasons.map((reason) => reason.Message ?? reason.Code).join('; ')}`,
    retryable: throttled,
    cause: error,
  });
}

function rangeOf(query: Query): { readonly condition: string; readonly values: DynamoRow } {
  // No sort key is empty, and DynamoDB refuses to compare with an empty one.
  const from = query.from === '' ? undefined : query.from;
  const { to } = query;
  if (from !== undefined && to !== undefined) {
    return { condition: ' AND #sk BETWEEN :from AND :to', values: { ':from': { S: from }, ':to': { S: to } } };
  }
  if (from !== undefined) return { condition: ' AND #sk >= :from', values: { ':from': { S: from } } };
  if (to !== undefined) return { condition: ' AND #sk <= :to', values: { ':to': { S: to } } };
  return { condition: '', values: {} };
}

function isBefore(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
