import type { Digest, VolumeName } from '../../lib/shared/ids.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { Bytes } from '../../lib/shared/units.ts';
import { blobFolder, blobPath, blobsFolder, stagingFolder, stagingPath } from './paths.ts';

/** Renames a complete and synced staging file to its blob, for good. Throws `DiskError`. */
export async function unveil(disk: Disk, digest: Digest, volume: VolumeName, size: Bytes): Promise<void> {
  const [folder, path] = [blobFolder(digest, volume), blobPath(digest, volume)];
  await disk.makeDirectory(folder);
  await disk.syncDirectory(blobsFolder(volume));
  await disk.rename(stagingPath(digest, volume), path);
  await disk.syncDirectory(folder);
  await disk.syncDirectory(stagingFolder(volume));
  // Only now: of a rename that a power cut takes back, a staging file that is read-only would be left, which no fill can continue.
  await disk.setReadOnly(path);
  await disk.sync(path);
  const found = await disk.stat(path);
  if (found?.size !== size) throw new DiskError('io', `${digest} has ${found?.size} bytes after its publication.`);
}
