import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  expectationOf,
  outboxPut,
  recordedInputs,
  type Restore,
  RestoreRow,
  storedBytes,
  type Versioned,
} from '../catalog/index.ts';
import type { Rates, Waiting } from '../placement/index.ts';
import { ActionId } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { RestoreOutcome } from '../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, HOUR_MS, Usd } from '../shared/units.ts';
import { decideFaster, type FasterChoice, type FasterFacts } from './decideFaster.ts';
import {
  ACTION_TTL_MS,
  COPY_MS,
  EVENT_MS,
  type FasterRestore,
  type RestoreOption,
  storeTier,
} from './decideRestore.ts';
import { recordRestore, recordWaiting } from './restoreReceipt.ts';

const LONGEST_MS = 90 * DAY_MS;
/**
 * The writes that make a restore faster which a later reader cannot wait for: its row, the decision with the dollars of waiting on and of
 * every faster tier, and the message to the worker. Undefined where waiting on is right, or such a decision is under way already:
 * however many readers come, each faster tier is asked for once.
 */
export function hastenChanges(
  deps: { readonly rates: Rates },
  blob: Versioned<Blob>,
  row: Versioned<Restore>,
  waiting: Waiting,
  now: EpochMs,
): { readonly restore: Restore; readonly usd: number; readonly changes: readonly Change[] } | undefined {
  const { origin } = blob.value;
  const { digest, versionId, attempt, tier, state, faster: last, readyAt: slowerReadyAt, correlationId } = row.value;
  // What is unpacked already takes as long as it takes.
  if (tier === 'unpack' || state === 'restored' || last?.state === 'wanted') return undefined;
  const refused = last === undefined || last.state === 'taken' ? undefined : last.tier;
  const facts = {
    storageClass: origin.storageClass,
    bytes: storedBytes(blob.value),
    tier,
    endsAt: slowerReadyAt,
    refused,
    waiting,
  };
  const choice = decideFaster(facts, deps.rates, now);
  if (choice === undefined) return undefined;
  const actionId = ActionId.parse(`faster-${now}-${attempt}-${digest}`);
  const faster: FasterRestore = {
    actionId,
    tier: choice.chosen.tier,
    state: 'wanted',
    slowerReadyAt,
    neededAt: EpochMs.parse(now + Math.round(Math.min(waiting.toleranceMs, LONGEST_MS))),
    waitingUsdPerHour: waiting.usdPerMs * HOUR_MS,
  };
  const restore = promised(row.value, faster, choice.chosen, now);
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return {
    restore,
    usd: choice.chosen.feeUsd,
    changes: [
      RestoreRow.put(restore, expectationOf(row)),
      ActionRow.put(hastenAction(deps.rates, blob.value, row.value, faster, choice, facts, now), 'absent'),
      outboxPut({ id: actionId, queue: 'restore', body }, now),
      { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
    ],
  };
}

/** Readers are told the faster time from now on; somebody looks soon whether the store was asked. */
function promised(restore: Restore, faster: FasterRestore, { waitMs }: RestoreOption, now: EpochMs): Restore {
  const readyAt = EpochMs.parse(Math.min(faster.slowerReadyAt, now + waitMs + COPY_MS));
  return { ...restore, readyAt, dueAt: EpochMs.parse(now + COPY_MS), faster };
}

function hastenAction(
  rates: Rates,
  blob: Blob,
  restore: Restore,
  faster: FasterRestore,
  { waitOn, options }: FasterChoice,
  { tier: underWay, endsAt, refused, waiting: waits }: FasterFacts,
  now: EpochMs,
): Action {
  const alternative = (action: string, { feeUsd: fee, waitingUsd: waiting, inTime }: RestoreOption) => ({
    action,
    usd: Usd.parse(fee + waiting),
    parts: { fee, waiting },
    ...(inTime ? {} : { reason: 'too late' }),
  });
  const { digest, origin } = blob;
  const { to, attempt, correlationId } = restore;
  const archived = { digest, bytes: storedBytes(blob), storageClass: origin.storageClass, to };
  const before = { tier: underWay, endsAt, ...(refused === undefined ? {} : { refused }) };
  const recorded = { ...archived, ...before, waiting: recordWaiting(waits), at: now };
  return {
    actionId: faster.actionId,
    type: 'restore',
    digest,
    state: 'pending',
    reason: 'needed-sooner',
    policy: `restore-1 ${rates.prices.id}`,
    chosen: `restore ${faster.tier}`,
    alternatives: [
      alternative(`wait for ${underWay}`, waitOn),
      ...options.map((one) => alternative(`restore ${one.tier}`, one)),
    ],
    ...recordedInputs(recordRestore({ decision: 'faster-restore', ...recorded })),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + ACTION_TTL_MS),
    correlationId,
    attempt,
  };
}

/** What becomes of a restore whose store was asked for the faster tier, of that decision, and whether to ask again at once. */
export interface Hastened {
  readonly restore: Restore;
  readonly ended?: { readonly state: 'done' | 'failed'; readonly code: string; readonly text: string };
  readonly askAgain: boolean;
}

export function afterHastening(
  rates: Rates,
  blob: Blob,
  restore: Restore,
  faster: FasterRestore,
  asked: Extract<RestoreOutcome, { readonly outcome: 'restoring' | 'under-way' | 'tier-unavailable' }>,
  now: EpochMs,
): Hastened {
  const { tier, slowerReadyAt } = faster;
  const due = (at: EpochMs) => EpochMs.parse(at + EVENT_MS);
  switch (asked.outcome) {
    case 'restoring': {
      const readyAt = asked.readyAt ?? restore.readyAt;
      const taken: Restore = { ...restore, state: 'restoring', tier, readyAt, dueAt: due(readyAt) };
      const text = `The bucket makes it a restore of tier ${tier}.`;
      return {
        restore: { ...taken, faster: { ...faster, state: 'taken' } },
        ended: { state: 'done', code: 'taken', text },
        askAgain: false,
      };
    }
    case 'under-way': {
      // An answer that was lost, or a store that makes none faster: readers are told the store's time or the later one, and somebody looks at the earliest.
      const readyAt = asked.readyAt ?? slowerReadyAt;
      const dueAt = due(EpochMs.parse(Math.min(readyAt, restore.readyAt)));
      const kept: Restore = { ...restore, state: 'restoring', readyAt, dueAt };
      const text = 'The bucket has one as fast under way, or makes none faster.';
      return {
        restore: { ...kept, faster: { ...faster, state: 'not-taken' } },
        ended: { state: 'done', code: 'under-way', text },
        askAgain: false,
      };
    }
    case 'tier-unavailable': {
      const toleranceMs = Math.max(0, faster.neededAt - now);
      const waiting = { toleranceMs, usdPerMs: faster.waitingUsdPerHour / HOUR_MS };
      const { storageClass } = blob.origin;
      const underWay = storeTier(restore);
      const facts = { storageClass, bytes: storedBytes(blob), tier: underWay, refused: tier, waiting };
      const next = decideFaster({ ...facts, endsAt: slowerReadyAt }, rates, now)?.chosen;
      if (next !== undefined) {
        return { restore: promised(restore, { ...faster, tier: next.tier }, next, now), askAgain: true };
      }
      const asBefore: Restore = { ...restore, readyAt: slowerReadyAt, dueAt: due(now) };
      return {
        restore: { ...asBefore, faster: { ...faster, state: 'unavailable' } },
        ended: { state: 'failed', code: 'tier-unavailable', text: `The bucket has no ${tier} restore now.` },
        askAgain: restore.state === 'asked',
      };
    }
  }
}
