import * as z from 'zod/mini';
import { OrphanObject, ReplicaState, TombstoneState } from '../catalog/index.ts';
import { BucketReads, type Ending, endingOf, type Rates } from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { Digest, HostId, Location, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { Bytes, EpochMs } from '../shared/units.ts';
import { type BlobPurgeWait, decideBlobPurge, decidePurge, isForgotten, type PurgeStep } from './decideDeletion.ts';

/** What the end of a blob is decided on: read from the catalog and the bucket in the moment of the write. A receipt keeps it as JSON. */
export const EndFacts = z.strictObject({
  digest: Digest,
  /** As stored. */
  bytes: Bytes,
  storageClass: StorageClass,
  createdAt: EpochMs,
  transitionedAt: EpochMs,
  lastAccessAt: z.optional(EpochMs),
  bucketReads: z.optional(BucketReads),
  /** The deleted version that is purged; absent where no version has the blob. */
  version: z.optional(
    z.strictObject({
      model: ModelName,
      version: SemVer,
      state: TombstoneState,
      deletedAt: EpochMs,
      purgeAfter: EpochMs,
      hold: z.optional(z.strictObject({ reason: z.string(), since: EpochMs })),
      retainUntil: z.optional(EpochMs),
    }),
  ),
  unreferencedAt: z.optional(EpochMs),
  references: z.array(z.strictObject({ model: ModelName, version: SemVer })),
  copies: z.array(
    z.strictObject({
      location: Location,
      host: z.optional(HostId),
      state: ReplicaState,
      pinned: z.boolean(),
      versionId: z.string(),
    }),
  ),
  /** What is to be removed, as it lies in the bucket; `named`: the bytes that the catalog says it has. */
  objects: z.array(
    z.strictObject({
      object: OrphanObject,
      versionId: z.string(),
      etag: z.string(),
      size: Bytes,
      named: z.optional(Bytes),
    }),
  ),
});
export type EndFacts = z.infer<typeof EndFacts>;

export type EndRefusal =
  | Exclude<PurgeStep, 'purge'>
  | 'not-forgotten'
  /** Another version needs it. */
  | 'shared'
  | BlobPurgeWait
  /** The bucket has other bytes under a version than the catalog says. */
  | 'object-differs';

export type EndDecision =
  | (Ending & { readonly action: 'delete' })
  | { readonly action: 'keep'; readonly reason: EndRefusal };

/** Whether a blob ends now, with what that saves each month and still charges once. Nothing else removes a blob's last copy. */
export function decideEnd(facts: EndFacts, rates: Rates, now: EpochMs): EndDecision {
  const refusal = refuseEnd(facts, now);
  return refusal === undefined
    ? { action: 'delete', ...endingOf(facts, rates, now) }
    : { action: 'keep', reason: refusal };
}

function refuseEnd({ version, unreferencedAt, references, copies, objects }: EndFacts, now: EpochMs) {
  if (version === undefined && !isForgotten({ unreferencedAt }, now)) return 'not-forgotten';
  const window = version === undefined ? 'purge' : decidePurge({ ...version, content: version }, now);
  if (window !== 'purge') return window;
  const replicas = copies.map(({ host, ...copy }) => ({
    ...copy,
    host: host === undefined ? undefined : { id: host },
  }));
  const blob = decideBlobPurge({ version, references, replicas });
  if (blob.step !== 'delete') return blob.step === 'wait' ? blob.reason : 'shared';
  return objects.some(({ named, size }) => named !== undefined && named !== size) ? 'object-differs' : undefined;
}

const Recorded = z.strictObject({ decision: z.literal('delete'), facts: EndFacts, now: EpochMs });

/** The inputs of a decision as JSON, for its receipt. */
export function recordEnd(facts: EndFacts, now: EpochMs): Json {
  return { decision: 'delete', facts: { ...facts }, now };
}

/** What a receipt says that a delete was decided on; undefined when its inputs are not those of a delete. */
export function recordedEnd(inputs: string): { readonly facts: EndFacts; readonly now: EpochMs } | undefined {
  return Recorded.safeParse(JSON.parse(inputs)).data;
}

/** Decides once more what a receipt says was decided: the same inputs and prices give the same decision. Undefined as above. */
export function replayDelete(inputs: string, rates: Rates): EndDecision | undefined {
  const recorded = recordedEnd(inputs);
  return recorded === undefined ? undefined : decideEnd(recorded.facts, rates, recorded.now);
}
