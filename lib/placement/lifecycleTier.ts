import type { StorageClass } from '../shared/ids.ts';
import { Usd } from '../shared/units.ts';
import { earlyDeletionUsd, idleMonthUsd } from './bill.ts';
import { classInstead } from './classes.ts';
import type { LifecyclePolicy } from './lifecyclePolicy.ts';
import { judgeLifecycle, type LifecycleJudgement } from './lifecycleRules.ts';
import { plainReason, readsCostMore } from './packing.ts';
import { breaksPromise, keepsPromise, unpackingMs } from './promise.ts';
import type { Rates } from './rates.ts';
import { freeMoveAt, type IdleClock, idleMs, storedBytes, type TierFacts } from './tierFacts.ts';
import type { LifecycleMoveReason, TierChoice, TierKeepReason } from './tierTypes.ts';

/** What the preset does to one object now: it never makes an object dearer to store, and leaves no class before it is paid for. */
export function chooseByLifecycle(facts: TierFacts, policy: LifecyclePolicy, rates: Rates, now: number): TierChoice {
  const { accesses, accessesLast30Days, expiry, packing } = facts;
  const expires = expiry === 'deleted' || (policy.expires && expiry === 'expires');
  const compression = packing?.packed === false ? packing.bytes / facts.bytes : undefined;
  const judged = { ...facts, compression, accesses: accesses ?? accessesLast30Days, retained: !expires };
  const { action } = judgeLifecycle(judged, policy.rules, now);
  if (action !== 'delete' && breaksPromise(facts, rates)) return repair(facts, action, policy, rates);
  switch (action) {
    case 'delete':
      return { action: 'keep', reason: 'expires' };
    case 'archive': {
      const reason = expiry === 'expires' ? 'expiry-not-allowed' : 'abandoned';
      return move(facts, archiveClass(facts, policy, rates), reason, rates, now);
    }
    case 'cold':
      return move(facts, policy.classes.cold, 'rarely-read', rates, now);
    case 'compress':
      return pack(facts, policy, rates, now);
    case 'maintain':
      return { action: 'keep', reason: 'still-read' };
  }
}

/** What lies where its readers would wait longer than they were promised leaves it, although its storage becomes dearer. */
function repair(
  facts: TierFacts,
  judged: LifecycleJudgement['action'],
  policy: LifecyclePolicy,
  rates: Rates,
): TierChoice {
  if (facts.heldBy !== undefined) return { action: 'keep', reason: 'held' };
  const { bytes, packing, storageClass: lies } = facts;
  const idle = judged === 'archive';
  const { archive, cold, instantArchive } = policy.classes;
  const named = idle ? instantArchive : cold;
  const readAtOnce = classInstead(named, rates);
  // What was unpacked is read back before it counts.
  if (packing?.packed === true) {
    return { action: 'unpack', to: rates.of(lies).instant ? lies : readAtOnce, reason: 'promise' };
  }
  const archived = classInstead(archive, rates);
  const archives = idle && keepsPromise(facts, bytes, rates.of(archived), 0);
  const [to, wanted] = archives ? [archived, archive] : [readAtOnce, named];
  return { action: 'transition', to, reason: 'restore-too-slow', ...missingOf(wanted, to) };
}

/** To the class that the preset names, or to what there is instead of it. */
function move(
  facts: TierFacts,
  named: StorageClass,
  reason: LifecycleMoveReason,
  rates: Rates,
  now: number,
): TierChoice {
  const to = classInstead(named, rates);
  const stays = stayReason(facts, to, rates, now);
  const missing = missingOf(named, to);
  return stays === undefined
    ? { action: 'transition', to, reason, ...missing }
    : { action: 'keep', reason: stays, ...missing };
}

function missingOf(named: StorageClass, to: StorageClass): Pick<TierChoice, 'missing'> {
  return named === to ? {} : { missing: named };
}

/** In its class, if the guards of packing allow it. */
function pack(facts: TierFacts, { rules }: LifecyclePolicy, rates: Rates, now: number): TierChoice {
  const { packing, restoreToleranceMs, storageClass } = facts;
  const keep = { action: 'keep', reason: 'still-read' } as const;
  if (packing === undefined) return keep;
  const toleranceMs = restoreToleranceMs ?? Number.POSITIVE_INFINITY;
  const notPacked = plainReason(facts, packing, rates.of(storageClass), toleranceMs, now);
  if (notPacked !== undefined) return { ...keep, notPacked };
  if (now < freeMoveAt(facts, rates)) return { ...keep, notPacked: 'minimum-duration' };
  const lies = rates.of(storageClass);
  if (readsCostMore(lies, lies, facts.bytes, packing)) return { ...keep, notPacked: 'costs-more' };
  return { action: 'pack', to: storageClass, reason: 'compressible', belowRatio: rules.compressBelowRatio };
}

/** Nobody waits longer for a read than was promised; where nothing was, nobody waits. */
function archiveClass(facts: TierFacts, { classes }: LifecyclePolicy, rates: Rates): StorageClass {
  const { restoreToleranceMs = 0 } = facts;
  const archive = rates.of(classInstead(classes.archive, rates));
  const kept = keepsPromise({ restoreToleranceMs }, storedBytes(facts), archive, unpackingMs(facts));
  return kept ? classes.archive : classes.instantArchive;
}

function stayReason(facts: TierFacts, to: StorageClass, rates: Rates, now: number): TierKeepReason | undefined {
  const [from, there] = [rates.of(facts.storageClass), rates.of(to)];
  if (there.usdPerByteMs >= from.usdPerByteMs) return 'already-there';
  if (facts.heldBy !== undefined) return 'held';
  const bytes = storedBytes(facts);
  if (idleMonthUsd(there, bytes) >= idleMonthUsd(from, bytes, idleMs(facts, now))) return 'no-cheaper-class';
  return now < freeMoveAt(facts, rates) ? 'minimum-duration' : undefined;
}

/** What the delete of an object saves each month, and what its class still charges once. */
export interface Ending {
  readonly usdPerMonth: Usd;
  readonly earlyDeletionUsd: Usd;
}

/** `bytes` as stored. */
export function endingOf(
  stored: IdleClock & Pick<TierFacts, 'bytes' | 'storageClass'>,
  rates: Rates,
  now: number,
): Ending {
  const from = rates.of(stored.storageClass);
  const heldMs = Math.max(0, now - stored.transitionedAt);
  return {
    usdPerMonth: Usd.parse(idleMonthUsd(from, stored.bytes, idleMs(stored, now))),
    earlyDeletionUsd: Usd.parse(earlyDeletionUsd(from, stored.bytes, heldMs)),
  };
}
