import { checkReceive, checkSend, checkVisibility, noSuchQueue } from '../../lib/adapters/queueCalls.ts';
import type { QueueAttributes, QueueCounts } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { PortError } from '../../lib/shared/errors.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type {
  MessageReceiver,
  MessageSender,
  QueueAdmin,
  ReceivedMessage,
} from '../../lib/shared/ports/messageQueue.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import { DAY_MS, SECOND_MS } from '../../lib/shared/units.ts';

/*
 * Queues in memory, held to the same contract as SQLite and SQS, with the limits and rules of SQS. A message is visible →
 * received (invisible, under its newest handle) → removed, or visible again; received too often it moves to the dead-letter
 * queue; past its retention it is not delivered any more.
 */

export interface MemQueues extends MessageSender, MessageReceiver, QueueAdmin {
  define(queue: string, attributes?: QueueAttributes): void;
  counts(): readonly QueueCounts[];
  /** When the earliest message of a queue is visible; infinite for an empty one. */
  earliestVisible(queue: string): number;
}

export interface MemQueuesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the queues that `create` makes. */
  readonly hostQueues?: QueueAttributes;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  /** Messages that are visible since the same moment are taken in the order in which they were sent. */
  readonly order: number;
  visibleAt: number;
  receives: number;
  handle: string | undefined;
}

interface Queue {
  attributes: QueueAttributes;
  droppedAt: number | undefined;
  readonly messages: Set<Message>;
}

const RETENTION_MS = 14 * DAY_MS;
const NAME_REST_MS = 60 * SECOND_MS;
const LONGEST_NAP_MS = 1_000;

export function createMemQueues({ clock, random, hostQueues = {} }: MemQueuesOptions): MemQueues {
  const queues = new Map<string, Queue>();
  let order = 0;

  function define(name: string, attributes: QueueAttributes = {}): void {
    const known = queues.get(name);
    if (known === undefined) queues.set(name, { attributes, droppedAt: undefined, messages: new Set() });
    else Object.assign(known, { attributes, droppedAt: undefined });
  }

  function open(name: string): Queue {
    const queue = queues.get(name);
    if (queue === undefined || queue.droppedAt !== undefined) throw noSuchQueue(name);
    return queue;
  }

  function visible({ messages }: Queue, max: number): readonly Message[] {
    const now = clock.now();
    return [...messages]
      .filter(({ visibleAt, sentAt }) => visibleAt <= now && sentAt >= now - RETENTION_MS)
      .toSorted((a, b) => a.visibleAt - b.visibleAt || a.order - b.order)
      .slice(0, max);
  }

  function take(queue: Queue, max: number, visibilitySeconds: number): readonly ReceivedMessage[] {
    const { redrive } = queue.attributes;
    const taken: ReceivedMessage[] = [];
    // What moves to the dead-letter queue makes room for others.
    for (let found = visible(queue, max); found.length > 0; found = visible(queue, max - taken.length)) {
      for (const message of found) {
        if (redrive !== undefined && message.receives >= redrive.maxReceiveCount) {
          queue.messages.delete(message);
          open(redrive.deadLetter).messages.add({ ...message, visibleAt: clock.now(), receives: 0, handle: undefined });
          continue;
        }
        message.handle = random.id();
        message.receives += 1;
        message.visibleAt = clock.now() + visibilitySeconds * SECOND_MS;
        const { id, body, handle, receives } = message;
        taken.push({ messageId: id, body, receiptHandle: handle, receiveCount: receives });
      }
      if (taken.length === max || visibilitySeconds === 0) break;
    }
    return taken;
  }

  function held(name: string, handle: string): Message | undefined {
    for (const message of queues.get(name)?.messages ?? []) if (message.handle === handle) return message;
    return undefined;
  }

  return {
    define,
    async send(name, messages) {
      checkSend(messages);
      const queue = open(name);
      const now = clock.now();
      for (const { body, delaySeconds = 0 } of messages) {
        order += 1;
        const visibleAt = now + delaySeconds * SECOND_MS;
        queue.messages.add({ id: random.id(), body, sentAt: now, order, visibleAt, receives: 0, handle: undefined });
      }
    },
    async receive(name, max, waitSeconds, visibilitySeconds) {
      checkReceive(max, waitSeconds, visibilitySeconds);
      const deadline = clock.now() + waitSeconds * SECOND_MS;
      for (;;) {
        const taken = take(open(name), max, visibilitySeconds);
        const left = deadline - clock.now();
        if (taken.length > 0 || left <= 0) return taken;
        await clock.sleep(Math.min(left, LONGEST_NAP_MS));
      }
    },
    async remove(name, handle) {
      const message = held(name, handle);
      if (message !== undefined) queues.get(name)?.messages.delete(message);
    },
    async changeVisibility(name, handle, visibilitySeconds) {
      checkVisibility(visibilitySeconds);
      const message = held(name, handle);
      if (message !== undefined) message.visibleAt = clock.now() + visibilitySeconds * SECOND_MS;
    },
    async create(name) {
      const droppedAt = queues.get(name)?.droppedAt;
      if (droppedAt !== undefined && clock.now() - droppedAt < NAME_REST_MS) {
        throw new PortError({
          code: 'unavailable',
          message: `Queue ${name} was dropped less than ${NAME_REST_MS / SECOND_MS} s ago; its name is free again later.`,
          retryable: true,
        });
      }
      define(name, hostQueues);
    },
    async drop(name) {
      const queue = queues.get(name);
      if (queue === undefined) return;
      queue.droppedAt ??= clock.now();
      queue.messages.clear();
    },
    counts() {
      const now = clock.now();
      return [...queues]
        .filter(([, { droppedAt }]) => droppedAt === undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([queue, { messages }]) => {
          const all = [...messages];
          const hidden = all.filter(({ visibleAt }) => visibleAt > now);
          const inFlight = hidden.filter(({ handle }) => handle !== undefined).length;
          const deadLetterOf = [...queues]
            .filter(([, { attributes }]) => attributes.redrive?.deadLetter === queue)
            .map(([source]) => source);
          const visible = all.length - hidden.length;
          return { queue, deadLetterOf, visible, inFlight, delayed: hidden.length - inFlight };
        });
    },
    earliestVisible(name) {
      let earliest = Number.POSITIVE_INFINITY;
      for (const { visibleAt } of queues.get(name)?.messages ?? []) earliest = Math.min(earliest, visibleAt);
      return earliest;
    },
  };
}
