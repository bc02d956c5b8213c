import type { DeclaredDeadLetters } from '../lib/operations/index.ts';
import { FUNCTIONS } from './index.ts';
import {
  type FunctionDeclaration,
  HOST_DEAD_LETTERS,
  queueDeadLetters,
  scheduleDeadLetters,
  streamDeadLetters,
} from './shared/declaration.ts';

/** Every dead-letter queue that the functions' triggers lead to, and that of the hosts. */
export function deadLetterQueues(): readonly DeclaredDeadLetters[] {
  return [...FUNCTIONS.flatMap(deadLettersOf), { queue: HOST_DEAD_LETTERS, origin: { kind: 'hosts' } }];
}

function deadLettersOf({ name, triggers }: FunctionDeclaration): readonly DeclaredDeadLetters[] {
  const found: DeclaredDeadLetters[] = [];
  const schedule = triggers.find((trigger) => trigger.kind === 'schedule')?.schedule;
  for (const trigger of triggers) {
    if (trigger.kind === 'queue') {
      const { queue } = trigger;
      found.push({ queue: queueDeadLetters(queue), origin: { kind: 'queue', queue } });
    }
    if (trigger.kind === 'outbox-stream' && schedule !== undefined) {
      found.push({ queue: streamDeadLetters(name), origin: { kind: 'stream', functionName: name, schedule } });
    }
  }
  if (schedule !== undefined) {
    found.push({ queue: scheduleDeadLetters(name), origin: { kind: 'schedule', functionName: name } });
  }
  return found;
}
