import * as z from 'zod/mini';
import { type Alternative, type Blob, storedBytes } from '../catalog/index.ts';
import { PACK_TERMS, type Rates, receiptAlternative, restoredAlternatives, TierFacts } from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { type Digest, StorageClass } from '../shared/ids.ts';
import { EpochMs } from '../shared/units.ts';

const Recorded = z.strictObject({
  decision: z.literal('restored'),
  facts: TierFacts,
  /** The class that was wished for with the restore. */
  to: StorageClass,
  now: EpochMs,
});

/** What is known of a blob's reads (`lib/accesses`). */
export type ReadsOf = (
  digest: Digest,
  now: EpochMs,
) => Promise<Pick<TierFacts, 'accessesLast30Days' | 'bucketReads' | 'lastAccessAt'>>;

export interface RestoredDecision {
  readonly chosen: string;
  readonly alternatives: readonly Alternative[];
}

/** Where restored bytes go: to the class that was wished for when they were asked for, with the dollars of every other. */
function decideRestored(facts: TierFacts, to: StorageClass, rates: Rates, now: EpochMs): RestoredDecision {
  return {
    chosen: `${facts.packing === undefined ? 'transition' : 'unpack'} ${to}`,
    alternatives: restoredAlternatives(facts, rates, now).map(receiptAlternative),
  };
}

/** The decision about a blob as it lies now, and its inputs as JSON, for its receipt. */
export async function restoredDecision(
  readsOf: ReadsOf,
  blob: Blob,
  to: StorageClass,
  rates: Rates,
  now: EpochMs,
): Promise<RestoredDecision & { readonly inputs: Json }> {
  const { accessesLast30Days, bucketReads, lastAccessAt } = await readsOf(blob.digest, now);
  const { digest, size, partSize, createdAt, origin } = blob;
  const parts = Math.max(1, Math.ceil(size / partSize));
  const packed = { packed: true, bytes: storedBytes(blob), parts, terms: PACK_TERMS } as const;
  const facts: TierFacts = {
    digest,
    bytes: size,
    storageClass: origin.storageClass,
    createdAt,
    transitionedAt: origin.billedSince,
    accessesLast30Days,
    ...(lastAccessAt === undefined ? {} : { lastAccessAt }),
    ...(bucketReads === undefined ? {} : { bucketReads }),
    ...(origin.packed === undefined ? {} : { packing: packed }),
  };
  return { ...decideRestored(facts, to, rates, now), inputs: { decision: 'restored', facts: { ...facts }, to, now } };
}

/** Decides once more what a receipt says was decided; undefined when its inputs are not those of restored bytes. */
export function replayRestored(inputs: string, rates: Rates): RestoredDecision | undefined {
  const recorded = Recorded.safeParse(JSON.parse(inputs)).data;
  return recorded === undefined ? undefined : decideRestored(recorded.facts, recorded.to, rates, recorded.now);
}
