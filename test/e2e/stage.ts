import type { FunctionName } from '../../functions/index.ts';
import type { Operations } from '../../lib/operations/index.ts';
import type { ItemKey, Item, Page, Query } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { EpochMs } from '../../lib/shared/units.ts';

/**
 * A running Strata as the end-to-end tests see it: what operators, the bucket and hosts do to it, and what its rows, its
 * objects and its hosts' disks hold afterwards. Whoever implements it decides where it runs.
 */
export interface Stage {
  /** Uploads as an operator does and answers the new version's id. */
  upload(key: string, bytes: Uint8Array, metadata?: Readonly<Record<string, string>>): Promise<string>;
  /** Deletes the key as an operator does: the versions stay, a marker hides them. */
  remove(key: string): Promise<void>;
  /** Puts messages into a queue, beside what the plane itself sends. */
  send(queue: string, bodies: readonly string[]): Promise<void>;
  /** Resolves when no message is visible, in flight, delayed or waiting in the outbox; dead letters and re-scans do not count. */
  settled(): Promise<void>;
  readonly rows: {
    get(key: ItemKey): Promise<Item | undefined>;
    query(query: Query): Promise<Page>;
  };
  readonly objects: ObjectReader;
  /** What an operator asks the plane for. */
  readonly operate: Pick<Operations, 'deleteVersion' | 'undoDelete' | 'showAudit' | 'verifyAudit'>;
  /** Fires one schedule of a function, as its moment would. */
  fire(functionName: FunctionName, schedule: string, at: EpochMs): Promise<void>;
  /** How many dead letters lie behind a queue, or behind a function's schedules (`reconcile-schedule`). */
  deadLetters(queue: string): Promise<number>;
  /** Brings them back, as `strata dlq redrive` does, and answers how many. */
  redrive(queue: string): Promise<number>;
  stop(): Promise<void>;
}
