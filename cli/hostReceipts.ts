import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationOutput, Operations } from '../lib/operations/index.ts';
import { StrataError } from '../lib/shared/errors.ts';
import type { ActionId } from '../lib/shared/ids.ts';

export type HostAction = OperationOutput<'showActions'>['items'][number];

const POLL_MS = 500;
/** As many actions as one call takes. */
const AT_ONCE = 100;

export interface Receipts {
  /** How the commands stood when they were last seen. */
  readonly actions: ReadonlyMap<ActionId, HostAction>;
  /** What the plane threw when it was last asked. */
  readonly error?: Error;
}

/**
 * Waits until every command has its end, at most so long, and answers how they stand then. A plane that is away for a moment is
 * asked again.
 */
export async function waitForReceipts(
  operations: Operations,
  actionIds: readonly ActionId[],
  withinMs: number,
): Promise<Receipts> {
  const known = new Map<ActionId, HostAction>();
  for (const deadline = performance.now() + withinMs; ; await sleep(POLL_MS)) {
    const late = performance.now() >= deadline;
    const waiting = actionIds.filter((actionId) => !hasEnded(known.get(actionId)));
    try {
      for (const action of await actionsOf(operations, waiting)) known.set(action.actionId, action);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (late || !(error instanceof StrataError) || !error.retryable) return { actions: known, error };
    }
    if (late || actionIds.every((actionId) => hasEnded(known.get(actionId)))) return { actions: known };
  }
}

export function hasEnded(action: HostAction | undefined): action is HostAction {
  return action !== undefined && action.state !== 'pending';
}

async function actionsOf(operations: Operations, ids: readonly ActionId[]): Promise<readonly HostAction[]> {
  const found: HostAction[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    found.push(...(await operations.showActions({ actionIds: ids.slice(from, from + AT_ONCE) })).items);
  }
  return found;
}
