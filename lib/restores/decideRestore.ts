import type { Restore } from '../catalog/index.ts';
import { chooseRestore, type Rates, type Waiting } from '../placement/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { RestoreTier } from '../shared/ports/objectStore.ts';
import { DAY_MS, MINUTE_MS } from '../shared/units.ts';

/** A restored copy is copied at once when it can be read; so long it may take after all. */
export const COPY_MS = 10 * MINUTE_MS;
/** No sooner does anybody look when the event should have come. */
export const EVENT_MS = 10 * MINUTE_MS;
export const ACTION_TTL_MS = 14 * DAY_MS;
/** Askings of one wish; restored copies that expire again and again are for a person to look at. */
export const MOST_ATTEMPTS = 5;

export interface RestoreOption {
  readonly tier: RestoreTier;
  readonly waitMs: number;
  readonly feeUsd: number;
  /** What idles until then. */
  readonly waitingUsd: number;
  /** Whether it ends in time. */
  readonly inTime: boolean;
}

export interface RestoreChoice {
  readonly chosen: RestoreOption;
  readonly options: readonly RestoreOption[];
}

/**
 * The restore with the least dollars, waiting included, among those that end in time; where none does, the fastest. Undefined for a class
 * that is read at once.
 */
export function decideRestore(
  storageClass: StorageClass,
  bytes: number,
  waiting: Waiting,
  rates: Rates,
): RestoreChoice | undefined {
  const from = rates.of(storageClass);
  const options = from.restores
    .filter((one) => bytes <= one.maximumBytes)
    .map(
      (one): RestoreOption => ({
        tier: one.tier,
        waitMs: one.waitMs,
        feeUsd: one.usdPerRequest + bytes * one.usdPerByte,
        waitingUsd: one.waitMs * waiting.usdPerMs,
        inTime: one.waitMs <= waiting.toleranceMs,
      }),
    );
  const best = chooseRestore(from, bytes, waiting)?.tier;
  const fastest = options.toSorted((one, other) => one.waitMs - other.waitMs)[0];
  const chosen = options.find((one) => one.tier === best) ?? fastest;
  return chosen === undefined ? undefined : { chosen, options };
}

const SLOWER: Readonly<Record<RestoreTier, RestoreTier | undefined>> = {
  expedited: 'standard',
  standard: 'bulk',
  bulk: undefined,
};

/** What to ask for when the store cannot give a tier now; the standard one is always to be had. */
export function slowerTier(tier: RestoreTier): RestoreTier {
  return SLOWER[tier] ?? 'standard';
}

export type FasterRestore = NonNullable<Restore['faster']>;

/** The decision to make it faster that the store has not been asked for yet. */
export function wantedFaster({ state, faster }: Restore): FasterRestore | undefined {
  return state !== 'restored' && faster?.state === 'wanted' ? faster : undefined;
}

/** What the bucket says of the archived object. */
export type ArchivedCopy = 'archived' | 'restoring' | 'restored' | 'readable' | 'absent';

export interface RestoreFacts {
  readonly restore: Restore;
  /** The version that the catalog serves from; undefined when the blob is gone. */
  readonly originVersionId: string | undefined;
  readonly copy: ArchivedCopy;
  /** Whether the transition that copies the restored bytes is still to come. */
  readonly movePending: boolean;
}

/** `ask`: of the store. `ask-faster`: that it make faster what is under way. `move`: copy what can be read now. `forget`: nobody needs it any more. */
export type RestoreStep = 'ask' | 'ask-faster' | 'wait' | 'move' | 'ask-again' | 'give-up' | 'forget';

/** What to do about a restore now. Whoever looks, and however often, comes to the same step until something has changed. */
export function decideRestoreStep({ restore, originVersionId, copy, movePending }: RestoreFacts): RestoreStep {
  if (originVersionId !== restore.versionId) return 'forget';
  const again = restore.attempt < MOST_ATTEMPTS ? 'ask-again' : 'give-up';
  switch (copy) {
    case 'absent':
    case 'readable':
      return 'give-up';
    case 'restoring':
      return wantedFaster(restore) === undefined ? 'wait' : 'ask-faster';
    case 'archived':
      // Its days are over before it was copied, or nobody has asked the store yet.
      return restore.state === 'asked' ? 'ask' : again;
    case 'restored':
      if (restore.state !== 'restored') return 'move';
      return movePending ? 'wait' : again;
  }
}
