import { DEAD_LETTER_SUFFIX } from '../shared/queues.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { OperationsError } from './errors.ts';
import type { DeadLetterQueue, DeadLetters } from './ports.ts';
import { redacted } from './redact.ts';

/** Brings dead letters back. Their queue may be named with or without its ending. */
export async function redriveDeadLetters(
  deadLetters: DeadLetters,
  { queue, max, dryRun }: OperationInput<'redriveDeadLetters'>,
): Promise<OperationOutput<'redriveDeadLetters'>> {
  const found = await queueNamed(deadLetters, queue);
  const messages = dryRun ? Math.min(found.messages, max) : await deadLetters.redrive(found.queue, max);
  return { ...view(found), messages };
}

/** What dead letters say, without what must not be seen. Throws `OperationsError` `unknown-queue`. */
export async function showDeadLetters(
  deadLetters: DeadLetters,
  { queue, max }: OperationInput<'showDeadLetters'>,
): Promise<OperationOutput<'showDeadLetters'>> {
  const found = await queueNamed(deadLetters, queue);
  const letters = await deadLetters.look(found.queue, max);
  return { items: letters.map(({ body, ...letter }) => ({ queue: found.queue, ...letter, body: redacted(body) })) };
}

async function queueNamed(deadLetters: DeadLetters, queue: string): Promise<DeadLetterQueue> {
  const all = await deadLetters.list();
  const found = all.find((known) => known.queue === queue || known.queue === queue + DEAD_LETTER_SUFFIX);
  if (found !== undefined) return found;
  throw new OperationsError({
    code: 'unknown-queue',
    message: `There is no dead-letter queue for ${queue}. There are: ${all.map((known) => known.queue).join(', ')}.`,
    retryable: false,
  });
}

export function view({ queue, sources, messages }: DeadLetterQueue): OperationOutput<'redriveDeadLetters'> {
  return { queue, sources: [...sources], messages };
}
