import { isOpen, settle, type Upload, UploadRow } from '../catalog/index.ts';
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

const DENIED: Quarantine = {
  reason: 'unscannable',
  text:
    'Its bytes could not be read for a day: access denied. Let the role of the plane read the object and decrypt with its KMS key ' +
    '(kms:Decrypt), or use the key of the bucket, and upload the file again. The bytes stay where they are.',
};

/**
 * Called where work on an open upload failed. Where the store refuses its bytes themselves, the upload remembers since when, and goes to
 * quarantine once that is a day ago: until then people may mend a key or a right, and it goes on. True: it is there now, and the
 * failure needs nothing else.
 */
export async function endDenied(
  deps: IngestDeps,
  { key, versionId, size }: PinnedUpload & { readonly size: number },
  error: unknown,
  call: IngestCall,
): Promise<boolean> {
  if (!isDenial(error) || !(await isUnreadable(deps, { key, versionId, size }))) return false;
  const denied = await settle(deps.catalog, 'The upload', async () => {
    const row = await UploadRow.get(deps.catalog, key, versionId);
    if (row === undefined || !isOpen(row.value)) return { changes: [], answer: row?.value };
    const now = deps.clock.now();
    const since = deniedSince(row.value, now);
    const isOver = since !== undefined && now - since >= DENIED_FOR_MS;
    if (since !== undefined && !isOver) return { changes: [], answer: row.value };
    const moved: Upload = isOver
      ? { ...row.value, state: 'quarantined', movedAt: now, quarantine: DENIED }
      : { ...row.value, deniedSince: now };
    const put = await uploadChanges(deps.catalog, row, moved, step('judge-upload'), now);
    return { changes: [...put, ...quarantineNotices(moved, now)], answer: moved };
  });
  if (denied?.state !== 'quarantined') return false;
  reportQuarantine(denied, call);
  return true;
}

function deniedSince({ deniedSince: since }: Upload, now: EpochMs): EpochMs | undefined {
  return since !== undefined && since < now + CLOCKS_DIFFER_MS ? since : undefined;
}

/** Work also fails where the catalog, or the place of a copy, refuses: that says nothing about this upload. */
async function isUnreadable(
  { objects }: IngestDeps,
  { key, versionId, size }: PinnedUpload & { readonly size: number },
): Promise<boolean> {
  try {
    await objects.readRange(key, versionId, 0, Math.min(1, size));
    return false;
  } catch (error) {
    if (error instanceof PortError) return isDenial(error);
    throw error;
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof PortError && error.code === 'access-denied';
}
