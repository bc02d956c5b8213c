import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type Blob, originEncoding, storedBytes } from '../catalog/index.ts';
import { type CopyingDeps, copyResumably } from '../copying/index.ts';
import { blobDigest, blobKey, PartHash } from '../shared/digest.ts';
import type { ObjectHead, ObjectStore } from '../shared/ports/objectStore.ts';
import { formatBytes } from '../shared/units.ts';
import { TieringError } from './errors.ts';

/** Marks a copy with the action that made it, so that a try which was killed finds its own copy and no other. */
export const ACTION_METADATA = 'strata-action';

export type CopyOutcome =
  | { readonly outcome: 'verified'; readonly head: ObjectHead; readonly text: string }
  /** The time was up; the message comes again and goes on. */
  | { readonly outcome: 'unfinished' }
  | { readonly outcome: 'failed'; readonly reason: 'source-archived' | 'source-absent' }
  | { readonly outcome: 'failed'; readonly reason: 'copy-differs'; readonly versionId: string };

/**
 * Copies the pinned origin as it is to the same key with the new class, and verifies what lies there: size, class and, where the store
 * has verified part checksums itself, the digest. Repeated, it finds the copy that it made.
 */
export async function copyOrigin(
  deps: CopyingDeps,
  message: TransitionReplica,
  blob: Blob,
  remainingMs: () => number,
): Promise<CopyOutcome> {
  const { objects } = deps;
  const key = blobKey(blob.digest);
  const found = await findCopy(objects, message);
  if (found !== undefined) return verifyCopy(objects, message, blob, found.versionId);
  const source = await objects.head(key, message.from.versionId);
  if (source.outcome === 'absent') return { outcome: 'failed', reason: 'source-absent' };
  const metadata = { ...source.head.metadata, [ACTION_METADATA]: message.actionId };
  const copying = {
    digest: blob.digest,
    purpose: message.actionId,
    source: { key, versionId: message.from.versionId },
    options: { storageClass: message.to, metadata },
  };
  const copied = await copyResumably(deps, copying, remainingMs);
  switch (copied.outcome) {
    case 'written':
      return verifyCopy(objects, message, blob, copied.versionId);
    case 'unfinished':
      return copied;
    case 'source-absent':
    case 'source-archived':
      return { outcome: 'failed', reason: copied.outcome };
    case 'busy':
    case 'exists':
      throw new TieringError({
        code: 'busy',
        message: `Another write of ${key} was under way; the message comes again.`,
        retryable: true,
      });
  }
}

/** The current version, where this very action has made it. */
export async function findCopy(objects: ObjectStore, message: TransitionReplica): Promise<ObjectHead | undefined> {
  const current = await objects.head(blobKey(message.digest));
  const own = current.outcome === 'found' && current.head.metadata[ACTION_METADATA] === message.actionId;
  return own ? current.head : undefined;
}

async function verifyCopy(
  objects: ObjectStore,
  message: TransitionReplica,
  blob: Blob,
  versionId: string,
): Promise<CopyOutcome> {
  const key = blobKey(blob.digest);
  const copy = await objects.head(key, versionId);
  // Of packed bytes the store knows other hashes than the digest has; it has copied them as they were verified when they were packed.
  const isPacked = originEncoding(blob.origin) !== 'identity';
  const parts = isPacked ? undefined : (await objects.verifiedParts(key, versionId, blob.partSize))?.sha256;
  const fits =
    copy.outcome === 'found' &&
    copy.head.size === storedBytes(blob) &&
    copy.head.storageClass === message.to &&
    (parts === undefined || digestFits(blob, parts));
  if (!fits) return { outcome: 'failed', reason: 'copy-differs', versionId };
  const checked = parts === undefined ? 'size and class' : `size, class and ${parts.length} part checksums`;
  const text = `${formatBytes(copy.head.size)} in ${message.to} as version ${versionId}, verified by ${checked}.`;
  return { outcome: 'verified', head: copy.head, text };
}

function digestFits(blob: Blob, parts: readonly string[]): boolean {
  const hashes = parts.map((part) => PartHash.safeParse(part));
  const known = hashes.flatMap((hash) => (hash.success ? [hash.data] : []));
  const complete = known.length === Math.ceil(blob.size / blob.partSize) && known.length === parts.length;
  return complete && blobDigest(blob.size, blob.partSize, known) === blob.digest;
}
