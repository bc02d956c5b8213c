import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { type Action, outboxPut } from '../catalog/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { EpochMs, HOUR_MS } from '../shared/units.ts';

/**
 * Failures that may pass by themselves. A full or broken disk does not: such a command fails once. `denied` counts as
 * `origin-absent` does: S3 answers 403 for an object that is not there to whoever may not list the bucket, as hosts may not.
 */
const TRANSIENT: readonly CommandReceipt['code'][] = [
  'denied',
  'origin-absent',
  'origin-unavailable',
  'wrong-bytes',
  'expired',
  'cancelled',
];

/** So often a wish is commanded in a row; afterwards it is left to the schedule. */
const IN_A_ROW = 3;
/** `reap` takes no action before it is due for so long: how far off a clock may be. */
export const REAP_MARGIN_MS = HOUR_MS;
const LONGEST_PAUSE_MS = 24 * HOUR_MS;

export type Retry =
  /** By a message that is held back. */
  | { readonly by: 'message'; readonly delaySeconds: number }
  /** By the first run of `reap` after this moment and its margin. */
  | { readonly by: 'schedule'; readonly at: EpochMs };

/**
 * When a failed prefetch is decided anew: after 1 and 4 minutes, then by the schedule after 1, 2, 4 … hours and at last once a day,
 * as long as the wish stands. `undefined`: not at all.
 */
export function decideRetry(code: CommandReceipt['code'], attempt: number, now: EpochMs): Retry | undefined {
  if (!TRANSIENT.includes(code)) return undefined;
  if (attempt < IN_A_ROW) return { by: 'message', delaySeconds: 60 * 4 ** (attempt - 1) };
  const pause = Math.min(HOUR_MS * 2 ** (attempt - IN_A_ROW), LONGEST_PAUSE_MS);
  return { by: 'schedule', at: EpochMs.parse(now + pause - REAP_MARGIN_MS) };
}

/** What the end of a failed prefetch writes besides: a message now, or into the action when the schedule looks at it again. */
export function retryChanges(
  action: Action | undefined,
  code: CommandReceipt['code'],
  now: EpochMs,
): { readonly changes: readonly Change[]; readonly retryAt?: EpochMs } {
  if (action?.type !== 'prefetch') return { changes: [] };
  const retry = decideRetry(code, action.attempt ?? 1, now);
  if (retry === undefined) return { changes: [] };
  if (retry.by === 'schedule') return { changes: [], retryAt: retry.at };
  return { changes: placeAgain(action, now, retry.delaySeconds) };
}

/** Asks for the action's wish to be decided anew on fresh facts; nothing where it came from no version or host. */
export function placeAgain(action: Action, now: EpochMs, delaySeconds: number): readonly Change[] {
  const { model, modelVersion: version, host, attempt = 1, correlationId, actionId } = action;
  if (model === undefined || version === undefined || host === undefined) return [];
  const body = { schema: 'place-model/1', model, version, correlationId, host: host.id, attempt: attempt + 1 };
  return [outboxPut({ id: `retry-${actionId}`, queue: 'placement', body, delaySeconds }, now)];
}
