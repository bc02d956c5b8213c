import * as z from 'zod/mini';
import { refuseDeletion } from '../deletion/index.ts';
import { BucketReads, type Ending, endingOf, type Expiry, judgeLifecycle, type Rates } from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { Digest, HostId, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import type { LifecycleRules } from '../shared/tierSettings.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../shared/units.ts';

const count = z.number().check(z.int(), z.nonnegative());

/** A file that the version's delete frees: no other version needs it. */
const OwnFile = z.strictObject({
  digest: Digest,
  /** As stored. */
  bytes: Bytes,
  storageClass: StorageClass,
  createdAt: EpochMs,
  transitionedAt: EpochMs,
  lastAccessAt: z.optional(EpochMs),
  bucketReads: z.optional(BucketReads),
  accesses: count,
  /** Copies on hosts, whatever their state. */
  hosts: count,
  /** A reader waits until it is restored or unpacked. */
  awaited: z.optional(z.literal(true)),
});

/** What the catalog knows about one version when its expiry is decided. A decision receipt keeps it as JSON. */
export const ExpiryFacts = z.strictObject({
  model: ModelName,
  version: SemVer,
  publishedAt: EpochMs,
  undoneAt: z.optional(EpochMs),
  hold: z.optional(z.strictObject({ reason: z.string(), since: EpochMs })),
  retainUntil: z.optional(EpochMs),
  aliases: z.array(z.string()),
  pinnedOn: z.array(HostId),
  /** It is what the model's name alone stands for. */
  newest: z.boolean(),
  /** What an operator says of the model's reads. */
  readsPerDay: z.optional(z.number().check(z.nonnegative())),
  own: z.array(OwnFile),
});
export type ExpiryFacts = z.infer<typeof ExpiryFacts>;

export type ExpiryRefusal = Exclude<Expiry, 'expires' | 'deleted' | 'unreferenced'>;

export type ExpiryDecision =
  | { readonly action: 'keep'; readonly reason: ExpiryRefusal }
  | (Ending & { readonly action: 'expire'; readonly reason: 'abandoned'; readonly bytes: Bytes; readonly risk: 'low' });

/**
 * Whether a version may be deleted by policy: nothing names, holds, promises or has a copy of it, and each file that its delete frees is
 * abandoned by the rules. The clock of a version that was brought back, or published from bytes that were there, starts then.
 */
export function decideExpiry(facts: ExpiryFacts, rules: LifecycleRules, rates: Rates, now: EpochMs): ExpiryDecision {
  const refusal = refuseExpiry(facts, rules, now);
  if (refusal !== undefined) return { action: 'keep', reason: refusal };
  const endings = facts.own.map((file) => endingOf(file, rates, now));
  const sum = (of: (one: Ending) => number) => Usd.parse(endings.reduce((total, one) => total + of(one), 0));
  return {
    action: 'expire',
    reason: 'abandoned',
    risk: 'low',
    bytes: Bytes.parse(facts.own.reduce((total, { bytes }) => total + bytes, 0)),
    usdPerMonth: sum(({ usdPerMonth }) => usdPerMonth),
    earlyDeletionUsd: sum(({ earlyDeletionUsd }) => earlyDeletionUsd),
  };
}

function refuseExpiry(facts: ExpiryFacts, rules: LifecycleRules, now: EpochMs): ExpiryRefusal | undefined {
  const { aliases, own, pinnedOn } = facts;
  const refusal = refuseDeletion({ version: facts, aliases, pinnedOn, now });
  if (refusal !== undefined) return refusal;
  if (facts.newest) return 'newest';
  if ((facts.readsPerDay ?? 0) >= rules.deleteBelowPerDay) return 'promised';
  if (own.length === 0) return 'shared';
  if (own.some(({ hosts }) => hosts > 0)) return 'on-hosts';
  // A reader of what was restored comes back within the hour, and what he reads is counted later still.
  if (own.some(({ awaited, transitionedAt }) => awaited === true || now - transitionedAt < DAY_MS)) return 'still-read';
  const since = Math.max(facts.publishedAt, facts.undoneAt ?? 0);
  const abandoned = own.every((file) => {
    const createdAt = Math.max(file.createdAt, since);
    const lastAccessAt = Math.max(file.lastAccessAt ?? 0, createdAt);
    const judged = judgeLifecycle({ ...file, createdAt, lastAccessAt, retained: false }, rules, now);
    return judged.action === 'delete';
  });
  return abandoned ? undefined : 'still-read';
}

const Recorded = z.strictObject({ decision: z.literal('expiry'), facts: ExpiryFacts, now: EpochMs });

/** The inputs of a decision as JSON, for its receipt. */
export function recordExpiry(facts: ExpiryFacts, now: EpochMs): Json {
  return { decision: 'expiry', facts: { ...facts }, now };
}

/** Decides once more what a receipt says was decided; undefined when its inputs are not those of an expiry. */
export function replayExpiry(inputs: string, rules: LifecycleRules, rates: Rates): ExpiryDecision | undefined {
  const recorded = Recorded.safeParse(JSON.parse(inputs));
  return recorded.success ? decideExpiry(recorded.data.facts, rules, rates, recorded.data.now) : undefined;
}
