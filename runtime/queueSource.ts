import * as z from 'zod/mini';
import type { FunctionName } from '../functions/index.ts';
import { type Trigger, visibilitySeconds } from '../functions/shared/declaration.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { MessageReceiver, ReceivedMessage } from '../lib/shared/ports/messageQueue.ts';
import { QUEUE_LIMITS } from '../lib/shared/ports/messageQueue.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { queueEvent } from './envelopes.ts';
import type { Invoker } from './invoker.ts';
import { startLoop } from './loop.ts';

export type QueueTrigger = Extract<Trigger, { kind: 'queue' }>;

export interface QueueSource {
  /** Resolves when every batch under way is settled. */
  stop(): Promise<void>;
}

/** One process serves all functions: more batches at once would only wait for each other. */
const MOST_BATCHES = 8;
/** How soon a stop is noticed. */
const POLL_SECONDS = 1;

/** Lambda takes an empty answer as the success of the whole batch, and one that it cannot read as its failure. */
const BatchAnswer = z.nullish(
  z.object({ batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string() }))) }),
);

/**
 * What an event source mapping of Lambda does: receives batches for one function, removes what the function did, and
 * leaves what it did not, until its queue moves it to the dead-letter queue.
 */
export function startQueueSource(
  deps: {
    readonly queues: MessageReceiver;
    readonly invoker: Invoker;
    readonly clock: Clock;
    readonly telemetry: Telemetry;
  },
  source: { readonly functionName: FunctionName; readonly trigger: QueueTrigger; readonly timeoutSeconds: number },
): QueueSource {
  const { queues, clock } = deps;
  const { queue, batchSize, maxConcurrency } = source.trigger;
  const hiddenSeconds = visibilitySeconds(source);
  const running = new Set<Promise<void>>();

  async function settle(messages: readonly ReceivedMessage[]): Promise<void> {
    const invocation = await deps.invoker.invoke(source.functionName, queueEvent(queue, messages, clock.now()));
    // Its function has said how soon a failed message comes again; one that could not, leaves it to the visibility.
    const done = invocation.outcome === 'answered' ? doneOf(messages, invocation.answer) : [];
    for (const { receiptHandle } of done) await queues.remove(queue, receiptHandle);
  }

  const loop = startLoop(deps.telemetry, `queue ${queue}`, 0, async () => {
    if (running.size >= Math.min(maxConcurrency, MOST_BATCHES)) await Promise.race(running);
    const most = Math.min(batchSize, QUEUE_LIMITS.batchMessages);
    const messages = await queues.receive(queue, most, POLL_SECONDS, hiddenSeconds);
    if (messages.length === 0) return;
    const batch = settle(messages)
      .catch((error: unknown) => deps.telemetry.error('batch-unsettled', error, { queue }))
      .finally(() => running.delete(batch));
    running.add(batch);
  });

  return {
    async stop() {
      await loop.stop();
      await Promise.all(running);
    },
  };
}

function doneOf(messages: readonly ReceivedMessage[], answer: unknown): readonly ReceivedMessage[] {
  const parsed = BatchAnswer.safeParse(answer);
  if (!parsed.success) return [];
  const failed = parsed.data?.batchItemFailures?.map((failure) => failure.itemIdentifier) ?? [];
  const unknown = failed.some((id) => messages.every((message) => message.messageId !== id));
  return unknown ? [] : messages.filter((message) => !failed.includes(message.messageId));
}
