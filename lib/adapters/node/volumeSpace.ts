import { statfs } from 'node:fs/promises';
import { cgroupMemory } from './cgroupMemory.ts';

/** Of linux/magic.h: files on a tmpfs count against the memory of the cgroup. */
export const TMPFS_MAGIC = 0x01021994;

/**
 * What an unprivileged process may still write below `path`. A project quota shows in statfs; a memory limit of the
 * cgroup bounds a tmpfs. A quota of the user or group shows nowhere: it is met when blocks are claimed.
 */
export async function volumeSpace(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
  const volume = await statfs(path);
  const totalBytes = volume.blocks * volume.bsize;
  const freeBytes = volume.bavail * volume.bsize;
  const limit = volume.type === TMPFS_MAGIC ? await cgroupMemory() : undefined;
  if (limit === undefined) return { totalBytes, freeBytes };
  return {
    totalBytes: Math.min(totalBytes, limit.limitBytes),
    freeBytes: Math.min(freeBytes, limit.freeBytes),
  };
}
