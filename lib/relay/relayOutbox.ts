import { OUTBOX_SHARDS, type OutboxMessage, OutboxRow, type Versioned } from '../catalog/index.ts';
import { PortError, StrataError } from '../shared/errors.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import { type MessageSender, QUEUE_LIMITS } from '../shared/ports/messageQueue.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { FunctionQueue } from '../shared/queues.ts';

export interface RelayDeps {
  readonly catalog: CatalogStore;
  readonly sender: MessageSender;
}

export interface RelayCall {
  readonly telemetry: Telemetry;
  readonly remainingMs: () => number;
}

/** Messages of some queues could not be sent; their rows stay and are sent by the next run. */
export class RelayError extends StrataError<'not-sent'> {}

const PAGE = 100;
/** A page takes well under a second; the sweep of the next minute goes on where the time ended. */
const RESERVE_MS = 5_000;

export const ALL_OUTBOX_SHARDS: readonly number[] = Array.from({ length: OUTBOX_SHARDS }, (_, shard) => shard);

/** The shards that these partitions of the catalog are; other partitions are left out. */
export function outboxShards(partitions: readonly string[]): readonly number[] {
  return ALL_OUTBOX_SHARDS.filter((shard) => partitions.includes(`OUTBOX#${shard}`));
}

/**
 * Sends the outbox rows of these shards, oldest first, and deletes each after it was sent: a row is sent at least once. A
 * queue that cannot be reached does not hold up the others, nor a message that is refused the rest of its queue. Throws `RelayError` (retryable) when rows were left behind.
 */
export async function relayOutbox(deps: RelayDeps, shards: readonly number[], call: RelayCall): Promise<void> {
  const failures: unknown[] = [];
  for (const shard of shards) {
    let cursor: string | undefined;
    do {
      if (call.remainingMs() < RESERVE_MS) return report(failures);
      const page = await deps.catalog.query({
        partition: `OUTBOX#${shard}`,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      failures.push(...(await relayPage(deps, page.items, call)));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  report(failures);
}

function report(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  throw new RelayError({
    code: 'not-sent',
    message: `${failures.length} batches of messages could not be sent; they are sent again within a minute.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}

async function relayPage(deps: RelayDeps, items: readonly Item[], call: RelayCall): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const byQueue = new Map<string, Versioned<OutboxMessage>[]>();
  for (const item of items) {
    try {
      const row = OutboxRow.parse(item);
      byQueue.set(row.value.queue, [...(byQueue.get(row.value.queue) ?? []), row]);
    } catch (error) {
      failures.push(error);
    }
  }
  for (const [queue, rows] of byQueue) {
    for (const batch of batches(rows)) {
      const failed = await relayBatch(deps, queue, batch, call);
      failures.push(...failed);
      if (failed.some(isPassing)) break;
    }
  }
  return failures;
}

/** Messages that are refused together are sent one by one, so that only those stay that the queue does not take. */
async function relayBatch(
  deps: RelayDeps,
  queue: string,
  batch: readonly Versioned<OutboxMessage>[],
  call: RelayCall,
): Promise<readonly unknown[]> {
  try {
    await sendBatch(deps, queue, batch, call);
    await removeRows(deps.catalog, batch);
    return [];
  } catch (error) {
    if (!isRefusal(error)) return [error];
    const [first, ...others] = batch;
    if (first !== undefined && others.length === 0) {
      call.telemetry.metric('MessagesRefused', 'Count', 1);
      call.telemetry.error('message-refused', error, { queue, id: first.value.id });
      return [error];
    }
  }
  const failures: unknown[] = [];
  for (const row of batch) failures.push(...(await relayBatch(deps, queue, [row], call)));
  return failures;
}

/** Of the queue and not of the message: what comes after it would only wait for the same answer. */
function isPassing(error: unknown): boolean {
  return error instanceof PortError && error.retryable;
}

function isRefusal(error: unknown): boolean {
  return error instanceof PortError && (error.code === 'invalid-request' || error.code === 'too-large');
}

/** At most ten messages and one message's greatest length each: what one call may carry. */
function batches(rows: readonly Versioned<OutboxMessage>[]): readonly (readonly Versioned<OutboxMessage>[])[] {
  const result: Versioned<OutboxMessage>[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = Buffer.byteLength(row.value.body);
    const last = result.at(-1);
    if (last === undefined || last.length === QUEUE_LIMITS.batchMessages || bytes + size > QUEUE_LIMITS.messageBytes) {
      result.push([row]);
      bytes = size;
    } else {
      last.push(row);
      bytes += size;
    }
  }
  return result;
}

/** A host's queue that is gone takes its messages with it; a function's queue is never gone for good. */
async function sendBatch(
  deps: RelayDeps,
  queue: string,
  batch: readonly Versioned<OutboxMessage>[],
  call: RelayCall,
): Promise<void> {
  const messages = batch.map(({ value: { body, delaySeconds } }) =>
    delaySeconds === undefined ? { body } : { body, delaySeconds },
  );
  try {
    await deps.sender.send(queue, messages);
    call.telemetry.metric('MessagesRelayed', 'Count', batch.length);
  } catch (error) {
    const gone = error instanceof PortError && error.code === 'no-such-queue';
    if (!gone || FunctionQueue.safeParse(queue).success) throw error;
    call.telemetry.metric('MessagesDropped', 'Count', batch.length, { reason: 'no-such-queue' });
    call.telemetry.warn('messages-dropped', { queue, count: batch.length, reason: 'no-such-queue' });
  }
}

/** Another relay may have sent and deleted some of the rows at the same time. */
async function removeRows(catalog: CatalogStore, rows: readonly Versioned<OutboxMessage>[]): Promise<void> {
  const deletions = rows.map(({ value, version }) => ({
    kind: 'delete' as const,
    key: OutboxRow.key(value.id, value.createdAt),
    expect: { version },
  }));
  const { outcome } = await catalog.transact(deletions);
  if (outcome === 'committed') return;
  for (const deletion of deletions) await catalog.transact([deletion]);
}
