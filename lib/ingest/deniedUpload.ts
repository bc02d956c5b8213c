import { BlobRow, isOpen, settle, storedBytes, SWEEP_SHARDS, type Upload, UploadRow } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import { PortError } from '../shared/errors.ts';
import { DAY_MS, type EpochMs, HOUR_MS } from '../shared/units.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { step, uploadChanges } from './judgedRows.ts';
import { quarantineNotices } from './messages.ts';
import { type Quarantine, reportQuarantine } from './quarantine.ts';

/** People mend keys and rights within it; longer than a night and than clocks of calls differ. */
const DENIED_FOR_MS = DAY_MS;
/** A moment further ahead than this was told by a clock that is not believed. */
const CLOCKS_DIFFER_MS = 2 * HOUR_MS;
/** What is looked at to tell a refusal of one upload from one of the whole bucket: rows of each shard, and reads of all. */
const BLOBS_A_SHARD = 20;
const MOST_READ = 8;

const DENIED: Quarantine = {
  reason: 'unscannable',
  text:
    'Its bytes could not be read for a day: access denied. Let the role of the plane read the object and decrypt with its KMS key ' +
    '(kms:Decrypt), or use the key of the bucket, and upload the file again. The bytes stay where they are.',
};

/**
 * Called where work on an open upload failed. Where the store refuses its bytes, while it lets others in the bucket be read, the upload
 * remembers since when, and goes to quarantine once that is a day ago: until then people may mend a key or a right, and it goes on. A
 * refusal of the whole bucket, or where nothing else is there to be read, is not blamed on it: it waits, and its day begins anew.
 * True: it is in quarantine now, and the failure needs nothing else.
 */
export async function endDenied(
  deps: IngestDeps,
  pinned: PinnedUpload & { readonly size: number },
  error: unknown,
  call: IngestCall,
): Promise<boolean> {
  const { key, versionId } = pinned;
  if (!isDenial(error) || !(await isUnreadable(deps, pinned))) return false;
  const isAlone = await isAnyBlobReadable(deps);
  const denied = await settle(deps.catalog, 'The upload', async () => {
    const row = await UploadRow.get(deps.catalog, key, versionId);
    if (row === undefined || !isOpen(row.value)) return { changes: [], answer: row?.value };
    const now = deps.clock.now();
    const moved = isAlone ? deniedAlone(row.value, now) : { ...row.value, deniedSince: undefined };
    if (moved.state === row.value.state && moved.deniedSince === row.value.deniedSince) {
      return { changes: [], answer: row.value };
    }
    const put = await uploadChanges(deps.catalog, row, moved, step('judge-upload'), now);
    return { changes: [...put, ...quarantineNotices(moved, now)], answer: moved };
  });
  if (denied?.state !== 'quarantined') return false;
  reportQuarantine(denied, call);
  return true;
}

/** Whether the store refuses this upload's bytes, and lets others in the bucket be read. */
export async function isDeniedAlone(
  deps: IngestDeps,
  pinned: PinnedUpload & { readonly size: number },
  error: unknown,
): Promise<boolean> {
  return isDenial(error) && (await isUnreadable(deps, pinned)) && (await isAnyBlobReadable(deps));
}

/** The next refusal of an upload that an operator releases begins a day of its own. */
function deniedAlone(upload: Upload, now: EpochMs): Upload {
  const since = deniedSince(upload, now);
  if (since === undefined) return { ...upload, deniedSince: now };
  if (now - since < DENIED_FOR_MS) return upload;
  return { ...upload, state: 'quarantined', movedAt: now, quarantine: DENIED, deniedSince: undefined };
}

function deniedSince({ deniedSince: since }: Upload, now: EpochMs): EpochMs | undefined {
  return since !== undefined && since < now + CLOCKS_DIFFER_MS ? since : undefined;
}

/** Work also fails where the catalog, or the place of a copy, refuses: that says nothing about this upload. */
async function isUnreadable(deps: IngestDeps, pinned: PinnedUpload & { readonly size: number }): Promise<boolean> {
  return (await firstByte(deps, pinned)) === 'denied';
}

/** One is enough. Archived ones, and those that are gone meanwhile, tell nothing. */
async function isAnyBlobReadable(deps: IngestDeps): Promise<boolean> {
  let reads = 0;
  for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
    const { items } = await deps.catalog.queryIndex('listing', { partition: `SWEEP#${shard}`, limit: BLOBS_A_SHARD });
    for (const item of items) {
      const { digest, origin, tier, ...blob } = BlobRow.parse(item).value;
      if (tier === 'archive') continue;
      if (reads >= MOST_READ) return false;
      reads += 1;
      const size = storedBytes({ ...blob, origin });
      if ((await firstByte(deps, { key: blobKey(digest), versionId: origin.versionId, size })) === 'read') return true;
    }
  }
  return false;
}

/** `unknown` where the store failed otherwise, or has no bytes to read. */
async function firstByte(
  { objects }: IngestDeps,
  { key, versionId, size }: PinnedUpload & { readonly size: number },
): Promise<'read' | 'denied' | 'unknown'> {
  try {
    const { outcome } = await objects.readRange(key, versionId, 0, Math.min(1, size));
    return outcome === 'read' ? 'read' : 'unknown';
  } catch (error) {
    if (isDenial(error)) return 'denied';
    if (error instanceof PortError) return 'unknown';
    throw error;
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof PortError && error.code === 'access-denied';
}
