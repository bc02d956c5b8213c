import { beforeEach, describe, expect, it } from 'vitest';
import type {
  MessageReceiver,
  MessageSender,
  QueueAdmin,
  ReceivedMessage,
} from '../../lib/shared/ports/messageQueue.ts';
import { eventually } from '../support/eventually.ts';

export interface QueueSetup {
  readonly queues: MessageSender & MessageReceiver;
  /** A fresh queue whose messages go to a fresh dead-letter queue after two deliveries. */
  newQueue(): Promise<{ readonly queue: string; readonly deadLetter: string }>;
  /** How a queue that is not there is refused, where a policy comes before it. */
  readonly absentQueue?: 'access-denied';
  /** Lets so many seconds pass: on a clock of the test's own, or really. */
  pass(seconds: number): Promise<void>;
}

/** What every queue promises to the one who sends and to the one who receives. Delivery is at least once and unordered. */
export function messageQueueContract(name: string, create: () => Promise<QueueSetup>): void {
  describe(`${name} as a message queue`, () => {
    let setup: QueueSetup;
    let queue: string;
    let deadLetter: string;
    beforeEach(async () => {
      setup = await create();
      ({ queue, deadLetter } = await setup.newQueue());
    });

    const send = (...bodies: string[]) =>
      setup.queues.send(
        queue,
        bodies.map((body) => ({ body })),
      );
    const receive = (visibilitySeconds: number, from = queue) => receiveSome(setup, from, visibilitySeconds);

    it('delivers a body as it was sent, for the first time, under a handle', async () => {
      const body = JSON.stringify({ text: 'snow ☃ 𝄞 "quoted"\n' });
      await send(body);
      const [message] = await receive(30);
      expect(message).toMatchObject({ body, receiveCount: 1 });
      expect(message?.messageId).not.toBe('');
      expect(message?.receiptHandle).not.toBe('');
    });

    it('delivers every message of a batch', async () => {
      const bodies = Array.from({ length: 10 }, (_, index) => `message ${index}`);
      await send(...bodies);
      const received = new Set<string>();
      while (received.size < 10) for (const message of await receive(30)) received.add(message.body);
      expect([...received].toSorted()).toEqual(bodies.toSorted());
    });

    it('hides a received message and delivers it again, under a new handle, when its visibility ends', async () => {
      await send('again');
      const [first] = await receive(2);
      expect(await setup.queues.receive(queue, 10, 0, 30)).toEqual([]);
      await setup.pass(3);
      const [second] = await receive(30);
      expect(second).toMatchObject({ messageId: first?.messageId, body: 'again', receiveCount: 2 });
      expect(second?.receiptHandle).not.toBe(first?.receiptHandle);
    });

    it('never delivers a removed message again', async () => {
      await send('once');
      const [message] = await receive(1);
      await setup.queues.remove(queue, message?.receiptHandle ?? '');
      await setup.queues.remove(queue, message?.receiptHandle ?? '');
      await setup.pass(2);
      expect(await setup.queues.receive(queue, 10, 1, 30)).toEqual([]);
    });

    it('accepts only the newest handle of a message', async () => {
      await send('twice');
      const [first] = await receive(1);
      await setup.pass(2);
      const [second] = await receive(3);
      await setup.queues.remove(queue, first?.receiptHandle ?? '');
      await setup.queues.changeVisibility(queue, first?.receiptHandle ?? '', 600);
      await setup.queues.changeVisibility(queue, second?.receiptHandle ?? '', 0);
      await eventually(async () => {
        const again = await setup.queues.receive(deadLetter, 10, 1, 30);
        const still = await setup.queues.receive(queue, 10, 0, 30);
        expect([...again, ...still]).toHaveLength(1);
      });
    });

    it('makes a message visible later or at once, as its receiver asks', async () => {
      await send('later');
      const [first] = await receive(2);
      await setup.queues.changeVisibility(queue, first?.receiptHandle ?? '', 60);
      await setup.pass(3);
      expect(await setup.queues.receive(queue, 10, 0, 30)).toEqual([]);
      await setup.queues.changeVisibility(queue, first?.receiptHandle ?? '', 0);
      expect(await receive(30)).toMatchObject([{ messageId: first?.messageId, receiveCount: 2 }]);
    });

    it('holds a delayed message back', async () => {
      await setup.queues.send(queue, [{ body: 'delayed', delaySeconds: 2 }]);
      expect(await setup.queues.receive(queue, 10, 0, 30)).toEqual([]);
      await setup.pass(3);
      expect(await receive(30)).toMatchObject([{ body: 'delayed' }]);
    });

    it('moves a message that was received too often to the dead-letter queue', async () => {
      await send('poison');
      for (let delivery = 1; delivery <= 2; delivery += 1) {
        expect(await receive(1)).toMatchObject([{ receiveCount: delivery }]);
        await setup.pass(2);
      }
      await eventually(async () => {
        expect(await setup.queues.receive(queue, 10, 0, 1)).toEqual([]);
        expect(await setup.queues.receive(deadLetter, 10, 0, 0)).toMatchObject([
          { body: 'poison', deadLetterSource: queue },
        ]);
      });
    });

    it('waits for a message and returns as soon as one is there', async () => {
      const waiting = setup.queues.receive(queue, 10, 5, 30);
      await send('awaited');
      expect(await waiting).toMatchObject([{ body: 'awaited' }]);
    });

    it('refuses what is out of bounds', async () => {
      const { queues } = setup;
      await refuses(send(), 'invalid-request');
      await refuses(send(''), 'invalid-request');
      await refuses(send(...Array.from({ length: 11 }, String)), 'invalid-request');
      await refuses(queues.send(queue, [{ body: 'x', delaySeconds: 901 }]), 'invalid-request');
      await refuses(send('é'.repeat(524_289)), 'too-large');
      await refuses(queues.receive(queue, 11, 0, 30), 'invalid-request');
      await refuses(queues.receive(queue, 1, 21, 30), 'invalid-request');
      await refuses(queues.receive(queue, 1, 0, 43_201), 'invalid-request');
    });

    it('knows no queue that was never created', async () => {
      const code = setup.absentQueue ?? 'no-such-queue';
      await refuses(setup.queues.send('nowhere', [{ body: 'x' }]), code);
      await refuses(setup.queues.receive('nowhere', 1, 0, 30), code);
    });
  });
}

export interface QueueAdminSetup {
  readonly queues: MessageSender & MessageReceiver & QueueAdmin;
  /** A name that no queue has or had. */
  readonly freshName: () => string;
}

export function queueAdminContract(name: string, create: () => Promise<QueueAdminSetup>): void {
  describe(`${name} as the keeper of host queues`, () => {
    it('creates a queue once, however often it is asked', async () => {
      const { queues, freshName } = await create();
      const queue = freshName();
      await queues.create(queue);
      await queues.send(queue, [{ body: 'kept' }]);
      await queues.create(queue);
      await eventually(async () => {
        expect(await queues.receive(queue, 1, 1, 0)).toMatchObject([{ body: 'kept' }]);
      });
    });

    it('drops a queue with its messages, and drops nothing without complaint', async () => {
      const { queues, freshName } = await create();
      const queue = freshName();
      await queues.create(queue);
      await queues.drop(queue);
      await queues.drop(queue);
      await queues.drop(freshName());
      await eventually(() => refuses(queues.send(queue, [{ body: 'x' }]), 'no-such-queue'), 65_000);
    });
  });
}

async function receiveSome(
  setup: QueueSetup,
  queue: string,
  visibilitySeconds: number,
): Promise<readonly ReceivedMessage[]> {
  let messages: readonly ReceivedMessage[] = [];
  await eventually(async () => {
    messages = await setup.queues.receive(queue, 10, 1, visibilitySeconds);
    expect(messages).not.toEqual([]);
  });
  return messages;
}

async function refuses(call: Promise<unknown>, code: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'PortError', code, retryable: false });
}
