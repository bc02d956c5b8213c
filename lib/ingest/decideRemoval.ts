import { isOpen, type RemovalReason, type TombstoneState, type Upload, type Version } from '../catalog/index.ts';
import { SET_FILE } from '../../events/upload-set/v1.ts';
import type { EpochMs } from '../shared/units.ts';

export interface RemovalFacts {
  readonly upload: Upload;
  /** What its key's version is or was published as. */
  readonly published: Version | undefined;
  /** Of a version that was deleted. */
  readonly tombstone: TombstoneState | undefined;
  /** Whether the copy that the catalog serves lies whole in the bucket, with its manifest. */
  readonly copyIsWhole: boolean;
  readonly now: EpochMs;
  /** How long the bytes stay after they were published. */
  readonly graceMs: number;
  /** How long the bytes stay that no version got. */
  readonly keepMs: number;
}

export type RemovalDecision =
  | { readonly action: 'remove'; readonly reason: RemovalReason }
  | { readonly action: 'keep'; readonly reason: KeptReason };

export type KeptReason =
  /** Not due yet. */
  | 'young'
  /** Its verdict or its digest is still to come. */
  | 'open'
  /** It waits for the rest of its set. */
  | 'unpublished'
  /** Its version is under a legal hold. */
  | 'held'
  /** Its version is being purged, and its uploads with it. */
  | 'being-purged'
  /** What the catalog serves is not whole in the bucket: it may be repaired from these bytes. */
  | 'copy-missing'
  | 'gone';

/**
 * Whether the bytes under `uploads/` are not needed any more: their version is published and its copy was found whole just now, or
 * no version got them and whoever might still ask for them had long enough. Begun removals are finished.
 */
export function decideRemoval(facts: RemovalFacts): RemovalDecision {
  const { upload, now } = facts;
  if (upload.removal !== undefined) {
    return upload.removal.done
      ? { action: 'keep', reason: 'gone' }
      : { action: 'remove', reason: upload.removal.reason };
  }
  if (isOpen(upload)) return { action: 'keep', reason: 'open' };
  const ageMs = now - upload.movedAt;
  if (upload.state === 'ready') return decideReady(facts, ageMs);
  if (ageMs < facts.keepMs) return { action: 'keep', reason: 'young' };
  return { action: 'remove', reason: upload.state === 'cancelled' ? 'cancelled' : 'quarantined-for-long' };
}

function decideReady(facts: RemovalFacts, ageMs: number): RemovalDecision {
  const { upload, published, tombstone, copyIsWhole, now, graceMs, keepMs } = facts;
  if (ageMs < graceMs) return { action: 'keep', reason: 'young' };
  if (published === undefined || !has(published, upload)) {
    return ageMs < keepMs ? { action: 'keep', reason: 'unpublished' } : { action: 'remove', reason: 'never-published' };
  }
  if (published.hold !== undefined) return { action: 'keep', reason: 'held' };
  if (tombstone === 'purging') return { action: 'keep', reason: 'being-purged' };
  if (tombstone === 'purged') return { action: 'remove', reason: 'purged' };
  // A file of a set may have been ready long before.
  if (now - published.publishedAt < graceMs) return { action: 'keep', reason: 'young' };
  return copyIsWhole ? { action: 'remove', reason: 'published' } : { action: 'keep', reason: 'copy-missing' };
}

/** Whether a version has the bytes of an upload; of a `strata.json` it has all that is in it. */
function has({ files }: Version, { target, digest }: Upload): boolean {
  if (target?.file === SET_FILE) return true;
  return files.some((file) => file.file === target?.file && file.digest === digest);
}
