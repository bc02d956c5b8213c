import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod/mini';
import { PortError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type {
  MessageReceiver,
  MessageSender,
  OutgoingMessage,
  QueueAdmin,
  ReceivedMessage,
} from '../../shared/ports/messageQueue.ts';
import type { Random } from '../../shared/ports/random.ts';
import { DAY_MS, EpochMs, SECOND_MS } from '../../shared/units.ts';
import { checkReceive, checkSend, checkVisibility, noSuchQueue } from '../queueCalls.ts';
import { applySchema, boundLimit, mapErrors, numberAt, prepareRows, textAt, transaction } from './sqlite.ts';

/*
 * Queues as SQS has them, in one SQLite database that nothing else uses (no transaction may span catalog and queues).
 * A message is visible → received (invisible, under its newest receipt handle) → removed, or visible again when its
 * visibility ends; received too often it moves to its queue's dead-letter queue; past its retention it is dropped.
 */

export interface QueueAttributes {
  /** After so many deliveries a message moves to `deadLetter` instead of being delivered again. */
  readonly redrive?: { readonly maxReceiveCount: number; readonly deadLetter: string };
}

export interface QueueCounts {
  readonly queue: string;
  /** The queues whose dead letters come here. */
  readonly deadLetterOf: readonly string[];
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** Of those that are visible or in flight: when the first was sent, and how often one was delivered at most. */
  readonly oldest?: { readonly sentAt: EpochMs; readonly deliveries: number };
}

export interface SqliteQueues extends MessageSender, MessageReceiver, QueueAdmin {
  /** Creates a queue with these attributes, or gives them to an existing one. A dead-letter queue is defined first. */
  define(queue: string, attributes?: QueueAttributes): void;
  /** Makes every received message visible again: for a queue's only consumer, when it starts anew. */
  release(queue: string): void;
  counts(): readonly QueueCounts[];
  /** Messages of one queue, whatever state they are in; by an index, where `counts` looks at every message. */
  count(queue: string): number;
  /** Drops messages past their retention and answers how many. */
  dropExpired(): number;
}

export interface SqliteQueuesOptions {
  readonly database: DatabaseSync;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the queues that `QueueAdmin.create` makes. */
  readonly hostQueues?: QueueAttributes;
}

const DDL = `
  CREATE TABLE queues (name TEXT PRIMARY KEY, max_receives INTEGER, dead_letter TEXT, dropped_at INTEGER) STRICT;
  CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY, queue TEXT NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL, sent_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL, receives INTEGER NOT NULL, handle TEXT
  ) STRICT;
  CREATE INDEX visible ON messages (queue, visible_at);
  CREATE INDEX handles ON messages (handle) WHERE handle IS NOT NULL`;

/** SQS's longest, and what the stacks on AWS use for every queue. */
const RETENTION_MS = 14 * DAY_MS;
/** SQS refuses a deleted name for so long. */
const NAME_REST_MS = 60 * SECOND_MS;
/** How long a waiting receive may oversleep a visibility that ends or a delay that passes. */
const LONGEST_NAP_MS = 1_000;

interface QueueRow {
  readonly maxReceives: number | null;
  readonly deadLetter: string | null;
  readonly droppedAt: number | null;
}

export function createSqliteQueues(options: SqliteQueuesOptions): SqliteQueues {
  const { database, clock, random } = options;
  applySchema(database, 1, DDL);
  const statements = prepareStatements(database);
  /** Of queues that were asked for since they were last changed: each look for messages asks for one. */
  const rows = new Map<string, QueueRow>();
  /** Receives that wait for a message of their queue. */
  const waiting = new Map<string, Set<() => void>>();

  function find(queue: string): QueueRow | undefined {
    const known = rows.get(queue);
    if (known !== undefined) return known;
    const row = mapErrors(() => statements.queue.get(queue));
    if (row === undefined) return undefined;
    const found = {
      maxReceives: row[0] === null ? null : numberAt(row, 0),
      deadLetter: row[1] === null ? null : textAt(row, 1),
      droppedAt: row[2] === null ? null : numberAt(row, 2),
    };
    rows.set(queue, found);
    return found;
  }

  function open(queue: string) {
    const found = find(queue);
    if (found === undefined || found.droppedAt !== null) throw noSuchQueue(queue);
    return found;
  }

  function define(queue: string, attributes: QueueAttributes = {}): void {
    mapErrors(() =>
      statements.define.run(queue, attributes.redrive?.maxReceiveCount ?? null, attributes.redrive?.deadLetter ?? null),
    );
    rows.delete(queue);
  }

  function take(queue: string, max: number, visibilitySeconds: number): readonly ReceivedMessage[] {
    const { maxReceives: limit, deadLetter } = open(queue);
    const now = clock.now();
    const oldest = now - RETENTION_MS;
    // Nobody else writes, so nothing comes between the look and what is written then; a look in vain writes nothing.
    let found = mapErrors(() => statements.visible.all(queue, now, oldest, max));
    if (found.length === 0) return [];
    return transaction(database, () => {
      const taken: ReceivedMessage[] = [];
      while (found.length > 0) {
        for (const row of found) {
          const [id, body, receives, source] = [textAt(row, 0), textAt(row, 1), numberAt(row, 2), textAt(row, 3)];
          if (limit !== null && deadLetter !== null && receives >= limit) {
            statements.move.run(deadLetter, now, id);
            continue;
          }
          const handle = random.id();
          const receiveCount = receives + 1;
          statements.receive.run(now + visibilitySeconds * SECOND_MS, receiveCount, handle, id);
          const moved = source === queue ? {} : { deadLetterSource: source };
          taken.push({ messageId: id, body, receiptHandle: handle, receiveCount, ...moved });
        }
        // What moved to the dead-letter queue made room for others.
        if (taken.length === max || visibilitySeconds === 0) break;
        found = statements.visible.all(queue, now, oldest, max - taken.length);
      }
      return { commit: true, value: taken };
    });
  }

  /** Resolves when a message is sent to the queue, or after `ms`. */
  async function nap(queue: string, ms: number): Promise<void> {
    const set = waiting.get(queue) ?? new Set();
    waiting.set(queue, set);
    let wake = () => {};
    const arrival = new Promise<void>((resolve) => {
      wake = resolve;
      set.add(resolve);
    });
    await Promise.race([clock.sleep(ms), arrival]);
    set.delete(wake);
  }

  function insert(queue: string, messages: readonly OutgoingMessage[]): void {
    const now = clock.now();
    const write = () => {
      for (const { body, delaySeconds = 0 } of messages) {
        statements.insert.run(random.id(), queue, queue, body, now, now + delaySeconds * SECOND_MS);
      }
      return { commit: true, value: undefined };
    };
    // One statement is a transaction by itself.
    if (messages.length === 1) mapErrors(write);
    else transaction(database, write);
    for (const wake of waiting.get(queue) ?? []) wake();
  }

  return {
    async send(queue, messages) {
      checkSend(messages);
      open(queue);
      insert(queue, messages);
    },
    async receive(queue, max, waitSeconds, visibilitySeconds) {
      checkReceive(max, waitSeconds, visibilitySeconds);
      const deadline = clock.now() + waitSeconds * SECOND_MS;
      for (;;) {
        const taken = take(queue, max, visibilitySeconds);
        const left = deadline - clock.now();
        if (taken.length > 0 || left <= 0) return taken;
        await nap(queue, Math.min(left, LONGEST_NAP_MS));
      }
    },
    async remove(queue, receiptHandle) {
      mapErrors(() => statements.remove.run(queue, receiptHandle));
    },
    async changeVisibility(queue, receiptHandle, visibilitySeconds) {
      checkVisibility(visibilitySeconds);
      const visibleAt = clock.now() + visibilitySeconds * SECOND_MS;
      mapErrors(() => statements.changeVisibility.run(visibleAt, queue, receiptHandle));
    },
    async create(queue) {
      const droppedAt = find(queue)?.droppedAt ?? null;
      if (droppedAt !== null && clock.now() - droppedAt < NAME_REST_MS) {
        throw new PortError({
          code: 'unavailable',
          message: `Queue ${queue} was dropped less than ${NAME_REST_MS / SECOND_MS} s ago; its name is free again later.`,
          retryable: true,
        });
      }
      define(queue, options.hostQueues);
    },
    async drop(queue) {
      transaction(database, () => {
        statements.drop.run(clock.now(), queue);
        statements.purge.run(queue);
        return { commit: true, value: undefined };
      });
      rows.delete(queue);
    },
    define,
    release(queue) {
      mapErrors(() => statements.release.run(clock.now(), queue));
    },
    counts() {
      return mapErrors(() => statements.counts.all({ $now: clock.now() }).map(countsOf));
    },
    count: (queue) => mapErrors(() => numberAt(statements.count.get(queue) ?? [], 0)),
    dropExpired() {
      return Number(mapErrors(() => statements.expire.run(clock.now() - RETENTION_MS)).changes);
    },
  };
}

const Counts = z.object({
  queue: z.string(),
  sources: z.nullable(z.string()),
  visible: z.number(),
  in_flight: z.number(),
  delayed: z.number(),
  sent_at: z.nullable(EpochMs),
  deliveries: z.nullable(z.number()),
});

function countsOf(row: unknown): QueueCounts {
  const { queue, sources, visible, in_flight: inFlight, delayed, sent_at: sentAt, deliveries } = Counts.parse(row);
  const counts = { queue, deadLetterOf: sources === null ? [] : sources.split(','), visible, inFlight, delayed };
  return sentAt === null || deliveries === null ? counts : { ...counts, oldest: { sentAt, deliveries } };
}

function prepareStatements(database: DatabaseSync) {
  return {
    queue: prepareRows(database, 'SELECT max_receives, dead_letter, dropped_at FROM queues WHERE name = ?'),
    define: database.prepare(
      `INSERT INTO queues (name, max_receives, dead_letter, dropped_at) VALUES (?, ?, ?, NULL) ON CONFLICT (name)
       DO UPDATE SET max_receives = excluded.max_receives, dead_letter = excluded.dead_letter, dropped_at = NULL`,
    ),
    drop: database.prepare('UPDATE queues SET dropped_at = ? WHERE name = ? AND dropped_at IS NULL'),
    purge: database.prepare('DELETE FROM messages WHERE queue = ?'),
    insert: database.prepare(
      `INSERT INTO messages (id, queue, source, body, sent_at, visible_at, receives, handle)
       VALUES (?, ?, ?, ?, ?, ?, 0, NULL)`,
    ),
    visible: prepareRows(
      database,
      `SELECT id, body, receives, source FROM messages WHERE queue = ? AND visible_at <= ? AND sent_at >= ?
       ORDER BY visible_at, rowid ${boundLimit()}`,
    ),
    receive: database.prepare('UPDATE messages SET visible_at = ?, receives = ?, handle = ? WHERE id = ?'),
    move: database.prepare('UPDATE messages SET queue = ?, visible_at = ?, receives = 0, handle = NULL WHERE id = ?'),
    remove: database.prepare('DELETE FROM messages WHERE queue = ? AND handle = ?'),
    changeVisibility: database.prepare('UPDATE messages SET visible_at = ? WHERE queue = ? AND handle = ?'),
    release: database.prepare('UPDATE messages SET visible_at = ? WHERE queue = ? AND handle IS NOT NULL'),
    counts: database.prepare(
      `SELECT name AS queue,
         (SELECT group_concat(source.name) FROM queues AS source WHERE source.dead_letter = queues.name) AS sources,
         count(messages.id) FILTER (WHERE visible_at <= $now) AS visible,
         count(messages.id) FILTER (WHERE visible_at > $now AND handle IS NOT NULL) AS in_flight,
         count(messages.id) FILTER (WHERE visible_at > $now AND handle IS NULL) AS delayed,
         min(sent_at) FILTER (WHERE visible_at <= $now OR handle IS NOT NULL) AS sent_at,
         max(receives) FILTER (WHERE visible_at <= $now OR handle IS NOT NULL) AS deliveries
       FROM queues LEFT JOIN messages ON messages.queue = queues.name
       WHERE dropped_at IS NULL GROUP BY name ORDER BY name`,
    ),
    count: prepareRows(database, 'SELECT count(*) FROM messages WHERE queue = ?'),
    expire: database.prepare('DELETE FROM messages WHERE sent_at < ?'),
  };
}
