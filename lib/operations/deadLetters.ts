import type { OperationInput, OperationOutput } from './contract.ts';
import { OperationsError } from './errors.ts';
import type { DeadLetterQueue, DeadLetters } from './ports.ts';

/** Moves dead letters back. The queue may be named by itself or by one that its messages came from. */
export async function redriveDeadLetters(
  deadLetters: DeadLetters,
  { queue, max, dryRun }: OperationInput<'redriveDeadLetters'>,
): Promise<OperationOutput<'redriveDeadLetters'>> {
  const all = await deadLetters.list();
  const found = all.find((candidate) => candidate.queue === queue || candidate.sources.includes(queue));
  if (found === undefined) {
    throw new OperationsError({
      code: 'unknown-queue',
      message: `There is no dead-letter queue for ${queue}. There are: ${all.map((known) => known.queue).join(', ')}.`,
      retryable: false,
    });
  }
  const messages = dryRun ? Math.min(found.messages, max) : await deadLetters.redrive(found.queue, max);
  return { ...view(found), messages };
}

export function view({ queue, sources, messages }: DeadLetterQueue): OperationOutput<'redriveDeadLetters'> {
  return { queue, sources: [...sources], messages };
}
