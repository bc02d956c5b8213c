import * as z from 'zod/mini';
import type { Restore } from '../catalog/index.ts';
import type { Rates } from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { Digest, StorageClass } from '../shared/ids.ts';
import { EpochMs } from '../shared/units.ts';
import { decideFaster } from './decideFaster.ts';
import { decideRestore } from './decideRestore.ts';

const Tier = z.enum(['expedited', 'standard', 'bulk']);

/** Without a tolerance nobody waits: JSON knows no endless one. */
const Waiting = z.strictObject({ toleranceMs: z.optional(z.number()), usdPerMs: z.number() });

const Archived = {
  digest: Digest,
  bytes: z.number(),
  storageClass: StorageClass,
  /** The class that the bytes are copied to. */
  to: StorageClass,
};

const Recorded = z.discriminatedUnion('decision', [
  z.strictObject({
    decision: z.literal('restore'),
    ...Archived,
    waiting: Waiting,
    /** Where they are packed: the bytes of the blob itself. */
    unpacked: z.optional(z.number()),
  }),
  z.strictObject({
    decision: z.literal('faster-restore'),
    ...Archived,
    waiting: Waiting,
    tier: Tier,
    endsAt: EpochMs,
    refused: z.optional(Tier),
    at: EpochMs,
  }),
  /** A restored copy expired before it was copied: the same once more. */
  z.strictObject({ decision: z.literal('restore-again'), ...Archived, tier: z.union([Tier, z.literal('unpack')]) }),
]);
export type RecordedRestore = z.infer<typeof Recorded>;

/** The inputs of a decision as JSON, for its receipt. */
export function recordRestore(facts: RecordedRestore): Json {
  return facts;
}

export function recordWaiting({ toleranceMs, usdPerMs }: { readonly toleranceMs: number; readonly usdPerMs: number }) {
  return Number.isFinite(toleranceMs) ? { toleranceMs, usdPerMs } : { usdPerMs };
}

/**
 * Decides once more what a receipt says was decided: the same inputs and prices give the same tier. Undefined when the inputs are not those
 * of a restore.
 */
export function replayRestore(inputs: string, rates: Rates): Restore['tier'] | undefined {
  const parsed = Recorded.safeParse(JSON.parse(inputs));
  if (!parsed.success) return undefined;
  const facts = parsed.data;
  switch (facts.decision) {
    case 'restore':
      return decideRestore(facts.storageClass, facts.bytes, waitingOf(facts), rates, facts.unpacked)?.chosen.tier;
    case 'faster-restore':
      return decideFaster({ ...facts, waiting: waitingOf(facts) }, rates, facts.at)?.chosen.tier;
    case 'restore-again':
      return facts.tier;
  }
}

export const waitingOf = ({ waiting }: { readonly waiting: z.infer<typeof Waiting> }) => ({
  ...waiting,
  toleranceMs: waiting.toleranceMs ?? Number.POSITIVE_INFINITY,
});
