import { partCount } from '../../lib/shared/digest.ts';
import { Digest } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { OpenedLedger } from './ledger.ts';
import type { StoreParts } from './parts.ts';
import { blobFolder, blobPath, FOLDERS, stagingPath } from './paths.ts';
import type { BlobEntry, LedgerRecord } from './records.ts';

export interface Rebuilt {
  readonly resident: number;
  readonly unchecked: number;
  readonly partial: number;
  readonly strays: number;
}

/**
 * Brings ledger and disk together after a start. With a sound ledger no blob is read: a file without a record, or one whose
 * publication was not recorded in full, must be hashed before it is served; a record without a file is dropped; staging
 * files without a reservation are removed. With a lost or damaged ledger every file must be hashed.
 */
export async function rebuild(parts: StoreParts, condition: OpenedLedger['condition']): Promise<Rebuilt> {
  const { disk, ledger } = parts;
  const found = await listBlobs(parts);
  const records: LedgerRecord[] = [];
  for (const digest of found.digests) {
    const record = await recordOfFile(parts, digest, condition);
    if (record !== undefined) records.push(record);
  }
  for (const blob of ledger.state.blobs.values()) {
    if (found.digests.has(blob.digest)) continue;
    if (blob.state === 'filling') await noteUnclaimed(parts, blob);
    else {
      parts.telemetry.warn('blob-missing-at-start', { digest: blob.digest });
      records.push({ is: 'gone', digest: blob.digest });
    }
  }
  if (records.length > 0) await ledger.commit(records);
  const strays = found.strays + (await removeStrayStaging(disk, ledger.state.blobs));
  for (const blob of byAge(ledger.state.blobs.values())) {
    if (blob.state === 'resident' || blob.state === 'unchecked') parts.policy.entered(blob.digest, blob.size);
  }
  const counts = { resident: 0, unchecked: 0, filling: 0, broken: 0 };
  for (const blob of ledger.state.blobs.values()) counts[blob.state] += 1;
  return { resident: counts.resident, unchecked: counts.unchecked, partial: counts.filling, strays };
}

async function recordOfFile(
  parts: StoreParts,
  digest: Digest,
  condition: OpenedLedger['condition'],
): Promise<LedgerRecord | undefined> {
  const blob = parts.ledger.state.blobs.get(digest);
  if (blob !== undefined && condition === 'sound') {
    if (blob.state !== 'filling') return undefined;
    const complete = blob.parts.size === partCount(blob.size, parts.config.partSize);
    if (complete) {
      await parts.disk.setReadOnly(blobPath(digest));
      await parts.disk.sync(blobPath(digest));
      return { is: 'resident', digest, at: parts.clock.now() };
    }
  }
  const size = (await parts.disk.stat(blobPath(digest)))?.size ?? 0;
  return { is: 'found', digest, size: Bytes.parse(size) };
}

/** Files that are no blob of ours by their name or place are removed: the tree is the agent's alone. */
async function listBlobs(parts: StoreParts): Promise<{ digests: Set<Digest>; strays: number }> {
  const { disk, telemetry } = parts;
  const digests = new Set<Digest>();
  let strays = 0;
  for (const folder of await disk.list(FOLDERS.blobs)) {
    const path = `${FOLDERS.blobs}/${folder}`;
    if ((await disk.stat(path))?.kind !== 'directory') {
      telemetry.warn('stray-file', { path });
      continue;
    }
    for (const name of await disk.list(path)) {
      const digest = Digest.safeParse(name);
      if (digest.success && path === blobFolder(digest.data)) digests.add(digest.data);
      else {
        telemetry.warn('stray-file-removed', { path: `${path}/${name}` });
        await disk.remove(`${path}/${name}`);
        strays += 1;
      }
    }
  }
  return { digests, strays };
}

async function removeStrayStaging(disk: Disk, blobs: ReadonlyMap<Digest, BlobEntry>): Promise<number> {
  let strays = 0;
  for (const name of await disk.list(FOLDERS.staging)) {
    const digest = Digest.safeParse(name);
    if (digest.success && blobs.get(digest.data)?.state === 'filling') continue;
    await disk.remove(`${FOLDERS.staging}/${name}`);
    strays += 1;
  }
  if (strays > 0) await disk.syncDirectory(FOLDERS.staging);
  return strays;
}

async function noteUnclaimed(parts: StoreParts, blob: BlobEntry): Promise<void> {
  const staged = await parts.disk.stat(stagingPath(blob.digest));
  parts.unclaimed.set(blob.digest, Math.max(0, blob.size - (staged?.allocatedBytes ?? 0)));
}

function byAge(blobs: Iterable<BlobEntry>): BlobEntry[] {
  return [...blobs].sort((one, other) => one.since - other.since);
}
