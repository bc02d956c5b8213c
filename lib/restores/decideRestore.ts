import { type Blob, type Restore, storedBytes } from '../catalog/index.ts';
import { unpackingMs } from '../compression/index.ts';
import { chooseRestore, type Rates, type Waiting } from '../placement/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { RestoreTier } from '../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../shared/units.ts';

/** A restored copy is copied at once when it can be read; so long it may take after all. */
export const COPY_MS = 10 * MINUTE_MS;
/** No sooner does anybody look when the event should have come. */
export const EVENT_MS = 10 * MINUTE_MS;
/** So often somebody looks at what no event came of. */
export const LOOK_AGAIN_MS = 30 * MINUTE_MS;
export const ACTION_TTL_MS = 14 * DAY_MS;
/** Askings of one wish; restored copies that expire again and again are for a person to look at. */
export const MOST_ATTEMPTS = 5;

export interface RestoreOption<Tier = RestoreTier> {
  readonly tier: Tier;
  readonly waitMs: number;
  readonly feeUsd: number;
  /** What idles until then. */
  readonly waitingUsd: number;
  /** Whether it ends in time. */
  readonly inTime: boolean;
}

export interface RestoreChoice {
  readonly chosen: RestoreOption<Restore['tier']>;
  readonly options: readonly RestoreOption<Restore['tier']>[];
}

/**
 * The restore with the least dollars, waiting included, among those that end in time; where none does, the fastest. Undefined for what is
 * read at once as it lies. `bytes` lie in the class; where they are packed, `unpacked` are the blob's own.
 */
export function decideRestore(
  storageClass: StorageClass,
  bytes: number,
  waiting: Waiting,
  rates: Rates,
  unpacked?: number,
): RestoreChoice | undefined {
  const from = rates.of(storageClass);
  const unpackMs = unpacked === undefined ? 0 : Math.ceil(unpackingMs(unpacked));
  if (from.instant && unpacked !== undefined) {
    const feeUsd = from.getUsd + from.retrievalUsdPerRequest + bytes * from.retrievalUsdPerByte;
    const waitingUsd = unpackMs * waiting.usdPerMs;
    const inTime = unpackMs <= waiting.toleranceMs;
    const chosen = { tier: 'unpack' as const, waitMs: unpackMs, feeUsd, waitingUsd, inTime };
    return { chosen, options: [chosen] };
  }
  const options = from.restores
    .filter((one) => bytes <= one.maximumBytes)
    .map(
      (one): RestoreOption => ({
        tier: one.tier,
        waitMs: one.waitMs + unpackMs,
        feeUsd: one.usdPerRequest + bytes * one.usdPerByte,
        waitingUsd: (one.waitMs + unpackMs) * waiting.usdPerMs,
        inTime: one.waitMs + unpackMs <= waiting.toleranceMs,
      }),
    );
  const best = chooseRestore(from, bytes, { ...waiting, toleranceMs: waiting.toleranceMs - unpackMs })?.tier;
  const fastest = options.toSorted((one, other) => one.waitMs - other.waitMs)[0];
  const chosen = options.find((one) => one.tier === best) ?? fastest;
  return chosen === undefined ? undefined : { chosen, options };
}

/** The same for a blob as it lies now. */
export function choiceFor(blob: Blob, waiting: Waiting, rates: Rates): RestoreChoice | undefined {
  const { size, origin } = blob;
  const unpacked = origin.packed === undefined ? undefined : size;
  return decideRestore(origin.storageClass, storedBytes(blob), waiting, rates, unpacked);
}

/** When it is expected to be readable in its new class, if the store is asked at `from`. */
export function readyAfter(
  { tier, waitMs }: Pick<RestoreOption<Restore['tier']>, 'tier' | 'waitMs'>,
  from: EpochMs,
): EpochMs {
  return EpochMs.parse(from + waitMs + (tier === 'unpack' ? MINUTE_MS : COPY_MS));
}

const SLOWER: Readonly<Record<RestoreTier, RestoreTier | undefined>> = {
  expedited: 'standard',
  standard: 'bulk',
  bulk: undefined,
};

/** What can be read and is packed was asked for without the store; one that lies in an archive after all is asked for as most are. */
export function storeTier({ tier }: Restore): RestoreTier {
  return tier === 'unpack' ? 'standard' : tier;
}

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
  /** Whether what can be read is packed: then it is no use to anybody yet. */
  readonly packed: boolean;
  /** Whether the transition that copies the restored bytes is still to come. */
  readonly movePending: boolean;
}

/**
 * `begin`: it is in line. `ask`: of the store. `ask-faster`: that it make faster what is under way. `move`: copy what can be read now. `move-again`: so
 * far no copy of it was right.
 * `forget`: nobody needs it any more.
 */
export type RestoreStep =
  | 'begin'
  | 'ask'
  | 'ask-faster'
  | 'wait'
  | 'move'
  | 'move-again'
  | 'ask-again'
  | 'give-up'
  | 'forget';

/** What to do about a restore now. Whoever looks, and however often, comes to the same step until something has changed. */
export function decideRestoreStep({ restore, originVersionId, copy, packed, movePending }: RestoreFacts): RestoreStep {
  if (originVersionId !== restore.versionId) return 'forget';
  if (restore.state === 'queued' && (copy === 'archived' || (copy === 'readable' && packed))) return 'begin';
  const again = restore.attempt < MOST_ATTEMPTS ? 'ask-again' : 'give-up';
  switch (copy) {
    case 'absent':
      return 'give-up';
    case 'restoring':
      return wantedFaster(restore) === undefined ? 'wait' : 'ask-faster';
    case 'archived':
      // Its days are over before it was copied, or nobody has asked the store yet.
      return restore.state === 'asked' ? 'ask' : again;
    case 'readable':
    case 'restored':
      if (copy === 'readable' && !packed) return 'give-up';
      if (restore.state !== 'restored') return 'move';
      if (movePending) return 'wait';
      // What can be read is not paid for once more.
      if (copy === 'restored') return (restore.failedMoves ?? 0) + 1 < MOST_ATTEMPTS ? 'move-again' : 'give-up';
      return again;
  }
}
