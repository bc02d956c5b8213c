import { DEAD_LETTER_SUFFIX, type FunctionQueue } from '../../lib/shared/queues.ts';

/** Times are UTC. */
export type ScheduleTime =
  | { readonly everyMinutes: number }
  | { readonly dailyUtc: `${number}:${number}` }
  | {
      readonly weeklyUtc: {
        readonly day: 'MON' | 'TUE' | 'WED' | 'THU' | 'FRI' | 'SAT' | 'SUN';
        readonly at: `${number}:${number}`;
      };
    }
  | { readonly monthlyUtc: { readonly day: number; readonly at: `${number}:${number}` } };

export type ObjectEventType =
  | 'Object Created'
  | 'Object Deleted'
  | 'Object Restore Completed'
  | 'Object Restore Expired';

/** Events of the bucket that are routed to a queue. Patterns know equality and prefixes only, so both runtimes match alike. */
export interface ObjectEventRoute {
  readonly detailTypes: readonly ObjectEventType[];
  readonly keyPrefix: string;
}

export type Trigger =
  | {
      readonly kind: 'queue';
      readonly queue: FunctionQueue;
      readonly batchSize: number;
      /** After so many deliveries a message goes to the dead-letter queue. */
      readonly maxReceiveCount: number;
      /** How many batches are worked on at once. */
      readonly maxConcurrency: number;
      /** Bucket events that EventBridge puts into this queue. */
      readonly objectEvents?: ObjectEventRoute;
      /** Hosts may send to this queue. */
      readonly fromHosts?: true;
    }
  | { readonly kind: 'schedule'; readonly schedule: string; readonly at: ScheduleTime }
  /**
   * A Distributed Map over the bucket's S3 Inventory calls the function for each batch of rows, at most `mostAtOnce` at a time. Each batch
   * is tried again; more than `toleratedFailures` per cent of failed ones end the run, which is then redriven. Only on AWS.
   */
  | {
      readonly kind: 'inventory-map';
      readonly rowsPerBatch: number;
      readonly mostAtOnce: number;
      readonly toleratedFailures: number;
    }
  /** Jobs of S3 Batch Operations call the function for each line of their manifest. Only on AWS. */
  | { readonly kind: 'batch-operations' }
  /** New outbox rows wake the function; what it misses, its schedule finds. */
  | { readonly kind: 'outbox-stream' }
  | {
      readonly kind: 'http';
      readonly routes: readonly {
        readonly method: 'GET' | 'POST';
        readonly path: string;
        readonly auth: 'iam' | 'in-function';
      }[];
    };

/** What a function may do; `infra/` turns each into the least actions on exactly the resources that it names. */
export type Grant =
  | 'catalog:read'
  | 'catalog:write'
  | 'uploads:read'
  | 'uploads:list'
  | 'uploads:write'
  | 'uploads:delete'
  | 'blobs:read'
  | 'blobs:write'
  | 'blobs:list'
  | 'blobs:delete'
  | 'blobs:restore'
  | 'seals:write'
  | 'send:function-queues'
  | 'send:host-queues'
  | 'manage:host-queues'
  | 'command-key:read'
  | 'host-credentials:issue'
  | 'inventory-sweeps:start';

export interface FunctionDeclaration {
  /** Also its folder's name. */
  readonly name: string;
  readonly purpose: string;
  /** Completes "If this fails, …": what users notice and what the operator does. Printed in its alarms and its runbook. */
  readonly ifThisFails: string;
  readonly triggers: readonly [Trigger, ...Trigger[]];
  /** At most 900; the visibility timeout of its queue follows from it. */
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly grants: readonly Grant[];
}

/** AWS's rule: a message must stay hidden for all tries of a batch that is throttled, so six times the time limit. */
export function visibilitySeconds({ timeoutSeconds }: Pick<FunctionDeclaration, 'timeoutSeconds'>): number {
  return 6 * timeoutSeconds;
}

/** A message that is older, by two visibility timeouts and ten minutes at least, means that its function fails or does not keep up. */
export function lateAfterSeconds(declaration: Pick<FunctionDeclaration, 'timeoutSeconds'>): number {
  return Math.max(600, 2 * visibilitySeconds(declaration));
}

/** Of all hosts' queues together. */
export const HOST_DEAD_LETTERS = `hosts${DEAD_LETTER_SUFFIX}`;

/** How long a host's queue keeps a command: none may live for longer. */
export const HOST_QUEUE_RETENTION_SECONDS = 4 * 86_400;

export const queueDeadLetters = (queue: string): string => queue + DEAD_LETTER_SUFFIX;

/** Of the schedules of one function: firings that it failed, or that never reached it. */
export const scheduleDeadLetters = (functionName: string): string => `${functionName}-schedule${DEAD_LETTER_SUFFIX}`;

/** Of the stream that wakes a function. */
export const streamDeadLetters = (functionName: string): string => `${functionName}-stream${DEAD_LETTER_SUFFIX}`;

/** The queue that a function works off. Throws where it has none. */
export function queueTriggerOf({ name, triggers }: FunctionDeclaration): Extract<Trigger, { kind: 'queue' }> {
  for (const trigger of triggers) if (trigger.kind === 'queue') return trigger;
  throw new TypeError(`${name} works off no queue.`);
}

/** Declares a function once; the embedded runtime and `infra/` both read it. */
export function declareFunction<const Declaration extends FunctionDeclaration>(declaration: Declaration): Declaration {
  return declaration;
}
