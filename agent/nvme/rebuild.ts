import { partCount } from '../../lib/shared/digest.ts';
import { Digest, type VolumeName } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { OpenedLedger } from './ledger.ts';
import type { StoreParts } from './parts.ts';
import { blobFolder, blobPath, blobsFolder, stagingFolder, stagingPath } from './paths.ts';
import type { BlobEntry } from './ledgerState.ts';
import type { LedgerRecord } from './records.ts';
import { lossOf, removeFrom } from './removal.ts';

export interface Rebuilt {
  readonly resident: number;
  readonly unchecked: number;
  readonly partial: number;
  readonly strays: number;
}

/**
 * Brings ledger and volumes together after a start. With a sound ledger no blob is read: a file without a record, or one whose
 * publication was not recorded in full, must be hashed before it is served; a record without a file is dropped; staging
 * files without a reservation are removed, and so are the halves of moves that had not ended. With a lost or damaged ledger
 * every file must be hashed.
 */
export async function rebuild(parts: StoreParts, condition: OpenedLedger['condition']): Promise<Rebuilt> {
  const { ledger, volumes } = parts;
  await endMoves(parts);
  let strays = 0;
  const found = new Set<Digest>();
  for (const { name } of volumes.active()) {
    const listed = await listBlobs(parts, name);
    strays += listed.strays;
    const records: LedgerRecord[] = [];
    for (const digest of listed.digests) {
      const known = ledger.state.blobs.get(digest);
      // A second copy serves nobody; without a ledger the first one that is found is the blob.
      const second =
        found.has(digest) || (known !== undefined && known.volume !== name && volumes.isActive(known.volume));
      if (second) {
        await removeFrom(parts, digest, name);
        strays += 1;
        continue;
      }
      found.add(digest);
      const record = await recordOfFile(parts, digest, name, condition);
      if (record !== undefined) records.push(record);
    }
    if (records.length > 0) await ledger.commit(records);
  }
  await settleMissing(parts, found);
  for (const { name } of volumes.active()) strays += await removeStrayStaging(parts, name);
  for (const blob of byAge(ledger.state.blobs.values())) {
    const held = blob.state === 'resident' || blob.state === 'unchecked';
    if (held && volumes.tierOf(blob.volume) === 'nvme')
      parts.policy.entered(blob.digest, blob.size, blob.origin?.storageClass);
  }
  const counts = { resident: 0, unchecked: 0, filling: 0, broken: 0 };
  for (const blob of ledger.state.blobs.values()) counts[blob.state] += 1;
  return { resident: counts.resident, unchecked: counts.unchecked, partial: counts.filling, strays };
}

/** What a move left on its other volume goes; on one that failed it is not ours any more. */
async function endMoves(parts: StoreParts): Promise<void> {
  for (const { digest, also } of parts.ledger.state.blobs.values()) {
    if (also === undefined) continue;
    if (parts.volumes.isActive(also)) await removeFrom(parts, digest, also);
    await parts.ledger.commit([{ is: 'alone', digest }]);
  }
}

/** Records of blobs that are on no volume. */
async function settleMissing(parts: StoreParts, found: ReadonlySet<Digest>): Promise<void> {
  const records: LedgerRecord[] = [];
  for (const blob of parts.ledger.state.blobs.values()) {
    if (found.has(blob.digest)) continue;
    if (blob.state === 'filling' && parts.volumes.isActive(blob.volume)) await noteUnclaimed(parts, blob);
    else {
      parts.telemetry.warn('blob-missing-at-start', { digest: blob.digest, volume: blob.volume });
      records.push({ is: 'gone', digest: blob.digest }, ...(blob.pinned ? lossOf(parts, blob) : []));
    }
  }
  if (records.length > 0) await parts.ledger.commit(records);
}

async function recordOfFile(
  parts: StoreParts,
  digest: Digest,
  volume: VolumeName,
  condition: OpenedLedger['condition'],
): Promise<LedgerRecord | undefined> {
  const path = blobPath(digest, volume);
  const blob = parts.ledger.state.blobs.get(digest);
  if (blob?.volume === volume && condition === 'sound') {
    if (blob.state !== 'filling') return undefined;
    const complete = blob.parts.size === partCount(blob.size, parts.config.partSize);
    if (complete) {
      await parts.disk.setReadOnly(path);
      await parts.disk.sync(path);
      return { is: 'resident', digest, at: parts.clock.now() };
    }
  }
  const size = (await parts.disk.stat(path))?.size ?? 0;
  return { is: 'found', digest, size: Bytes.parse(size), volume };
}

/** Files that are no blob of ours by their name or place are removed: the tree is the agent's alone. */
async function listBlobs(parts: StoreParts, volume: VolumeName): Promise<{ digests: Set<Digest>; strays: number }> {
  const { disk, telemetry } = parts;
  const digests = new Set<Digest>();
  let strays = 0;
  for (const folder of await disk.list(blobsFolder(volume))) {
    const path = `${blobsFolder(volume)}/${folder}`;
    if ((await disk.stat(path))?.kind !== 'directory') {
      telemetry.warn('stray-file', { path });
      continue;
    }
    for (const name of await disk.list(path)) {
      const digest = Digest.safeParse(name);
      if (digest.success && path === blobFolder(digest.data, volume)) digests.add(digest.data);
      else {
        telemetry.warn('stray-file-removed', { path: `${path}/${name}` });
        await disk.remove(`${path}/${name}`);
        strays += 1;
      }
    }
  }
  return { digests, strays };
}

async function removeStrayStaging({ disk, ledger }: StoreParts, volume: VolumeName): Promise<number> {
  const folder = stagingFolder(volume);
  let strays = 0;
  for (const name of await disk.list(folder)) {
    const digest = Digest.safeParse(name);
    const blob = digest.success ? ledger.state.blobs.get(digest.data) : undefined;
    if (blob?.state === 'filling' && blob.volume === volume) continue;
    await disk.remove(`${folder}/${name}`);
    strays += 1;
  }
  if (strays > 0) await disk.syncDirectory(folder);
  return strays;
}

async function noteUnclaimed(parts: StoreParts, blob: BlobEntry): Promise<void> {
  const staged = await parts.disk.stat(stagingPath(blob.digest, blob.volume));
  parts.unclaimed.set(blob.digest, Math.max(0, blob.size - (staged?.allocatedBytes ?? 0)));
}

function byAge(blobs: Iterable<BlobEntry>): BlobEntry[] {
  return [...blobs].sort((one, other) => one.since - other.since);
}
