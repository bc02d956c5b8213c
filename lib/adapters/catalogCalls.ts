import { canonicalJson } from '../shared/canonicalJson.ts';
import { PortError } from '../shared/errors.ts';
import type { Change, ItemContent, ItemKey, Query } from '../shared/ports/catalogStore.ts';
import { CATALOG_LIMITS } from '../shared/ports/catalogStore.ts';

// The bounds of the port, checked before a call reaches any store, so that no runtime accepts what the other refuses.
// Key sizes are DynamoDB's.
const PARTITION_BYTES = 2048;
const SORT_BYTES = 1024;

/** A body as both stores keep it, and what the item counts against the limits: its keys and its JSON text in UTF-8 bytes. */
export interface MeasuredItem {
  readonly bodyText: string;
  readonly bytes: number;
}

/** Throws `PortError` `invalid-request` or `too-large`; answers the measured items of the puts, in the order of `changes`. */
export function checkChanges(changes: readonly Change[]): readonly (MeasuredItem | undefined)[] {
  if (changes.length === 0 || changes.length > CATALOG_LIMITS.transactionChanges) {
    throw invalid(`A transaction has 1 to ${CATALOG_LIMITS.transactionChanges} changes, not ${changes.length}.`);
  }
  const seen = new Set<string>();
  let total = 0;
  const measured = changes.map((change) => {
    const key = change.kind === 'put' ? change.item.key : change.key;
    checkKey(key);
    const text = keyText(key);
    if (seen.has(text)) throw invalid(`A transaction names ${text} twice; merge the two changes.`);
    seen.add(text);
    if (change.kind !== 'put') return undefined;
    const item = measure(change.item);
    total += item.bytes;
    return item;
  });
  if (total > CATALOG_LIMITS.transactionBytes) {
    throw tooLarge(`A transaction carries at most ${CATALOG_LIMITS.transactionBytes} bytes, not ${total}. Split it.`);
  }
  return measured;
}

export function checkKey(key: ItemKey): void {
  checkPart(key.partition, PARTITION_BYTES);
  checkPart(key.sort, SORT_BYTES);
}

function checkPart(part: string, limit: number): void {
  if (part === '') throw invalid('A key has two non-empty parts.');
  // A UTF-16 unit takes at most three bytes of UTF-8.
  if (part.length * 3 > limit && Buffer.byteLength(part) > limit)
    throw tooLarge(`A key part of ${part.slice(0, 80)}… exceeds ${limit} bytes.`);
}

export function checkQuery(query: Query): void {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > 1000) {
    throw invalid(`A query's limit is 1 to 1000, not ${query.limit}.`);
  }
  if (query.partition === '') throw invalid('A query names a partition.');
}

function measure(item: ItemContent): MeasuredItem {
  const keys = [item.key, item.index?.listing, item.index?.due].filter((key) => key !== undefined);
  for (const key of keys) checkKey(key);
  const bodyText = canonicalJson(item.body);
  const bytes = keys.reduce((sum, key) => sum + Buffer.byteLength(keyText(key)), Buffer.byteLength(bodyText));
  if (bytes > CATALOG_LIMITS.itemBytes) {
    throw tooLarge(`Item ${keyText(item.key)} has ${bytes} bytes; at most ${CATALOG_LIMITS.itemBytes} are allowed.`);
  }
  return { bodyText, bytes };
}

function keyText(key: ItemKey): string {
  return `${key.partition} / ${key.sort}`;
}

export function invalid(message: string, cause?: unknown): PortError {
  return new PortError({ code: 'invalid-request', message, retryable: false, cause });
}

export function tooLarge(message: string): PortError {
  return new PortError({ code: 'too-large', message, retryable: false });
}
