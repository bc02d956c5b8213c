import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type Blob, storedBytes } from '../catalog/index.ts';
import { type CopyingDeps, writeResumably } from '../copying/index.ts';
import { blobKey, partCount } from '../shared/digest.ts';
import type { OriginEncoding } from '../shared/ids.ts';
import type { ObjectHead } from '../shared/ports/objectStore.ts';
import { formatBytes } from '../shared/units.ts';
import { checkOrigin } from './checkOrigin.ts';
import { ACTION_METADATA, type CopyOutcome, findCopy } from './copyOrigin.ts';
import { TieringError } from './errors.ts';
import { type HardlySmaller, packingParts, unpackingParts } from './originParts.ts';
import { unreadable } from './originReader.ts';

/** Says of an object under `blobs/` that its bytes are packed; whoever lost the catalog finds it there. */
const ENCODING_METADATA = 'strata-encoding';

export type RewriteOutcome =
  | CopyOutcome
  | { readonly outcome: 'failed'; readonly reason: 'source-differs' }
  | ({ readonly outcome: 'failed' } & HardlySmaller);

/**
 * Packs or unpacks the pinned origin to the same key, and reads back what lies there: it must give the bytes of the digest. `unfinished`: call
 * again. Repeated, it finds the copy that it made.
 */
export async function rewriteOrigin(
  deps: CopyingDeps,
  message: TransitionReplica,
  blob: Blob,
  encoding: OriginEncoding,
  remainingMs: () => number,
): Promise<RewriteOutcome> {
  const found = await findCopy(deps.objects, message);
  const written = found ?? (await write(deps, message, blob, encoding, remainingMs));
  if ('outcome' in written) return written;
  const head = written;
  const fits = head.storageClass === message.to && (encoding === 'identity' || head.size < blob.size);
  const checked = fits
    ? await checkOrigin(deps, { blob, actionId: message.actionId, encoding, head }, remainingMs)
    : 'wrong';
  if (checked === 'unfinished') return { outcome: 'unfinished' };
  if (checked === 'wrong') return { outcome: 'failed', reason: 'copy-differs', versionId: head.versionId };
  const parts = partCount(blob.size, blob.partSize);
  const what = encoding === 'identity' ? 'unpacked' : `packed from ${formatBytes(blob.size)}`;
  const text = `${formatBytes(head.size)} in ${message.to} as version ${head.versionId}, ${what}, verified by reading back ${parts} parts.`;
  return { outcome: 'verified', head, text };
}

/** The head of what lies there now, or why nothing does. */
async function write(
  deps: CopyingDeps,
  message: TransitionReplica,
  blob: Blob,
  encoding: OriginEncoding,
  remainingMs: () => number,
): Promise<RewriteOutcome | ObjectHead> {
  const { objects } = deps;
  const source = await objects.head(blobKey(blob.digest), message.from.versionId);
  if (source.outcome === 'absent') return { outcome: 'failed', reason: 'source-absent' };
  if (source.head.size !== storedBytes(blob)) return { outcome: 'failed', reason: 'source-differs' };
  const count = partCount(blob.size, blob.partSize);
  if (count === 0) return { outcome: 'failed', reason: 'hardly-smaller', ratio: 1, sampledBytes: 0 };
  const { [ENCODING_METADATA]: _, ...kept } = source.head.metadata;
  const metadata = {
    ...kept,
    [ACTION_METADATA]: message.actionId,
    ...(encoding === 'identity' ? {} : { [ENCODING_METADATA]: encoding }),
  };
  const options = { storageClass: message.to, metadata };
  let versionId: string;
  try {
    const parts = await (encoding === 'identity' ? unpackingParts : packingParts)(objects, message, blob);
    const writing = { digest: blob.digest, purpose: message.actionId, options, count, partOf: parts.partOf };
    const written = await writeResumably(deps, writing, remainingMs);
    switch (written.outcome) {
      case 'written':
        versionId = written.versionId;
        break;
      case 'unfinished':
        return { outcome: 'unfinished' };
      case 'unwanted':
        return { outcome: 'failed', ...parts.why() };
      case 'busy':
      case 'gone':
        throw busy(message);
    }
  } catch (error) {
    return { outcome: 'failed', reason: unreadable(error) };
  }
  // By its own version: another one of the key may have become the current one.
  const written = await objects.head(blobKey(blob.digest), versionId);
  if (written.outcome === 'absent') throw busy(message);
  return written.head;
}

function busy({ digest }: TransitionReplica): TieringError {
  return new TieringError({
    code: 'busy',
    message: `Another write of ${blobKey(digest)} was under way; the message comes again.`,
    retryable: true,
  });
}
