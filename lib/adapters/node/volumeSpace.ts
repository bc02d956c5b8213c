import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** Of linux/magic.h: files on a tmpfs count against the memory of the cgroup. */
const TMPFS_MAGIC = 0x01021994;

/**
 * What an unprivileged process may still write below `path`. A project quota shows in statfs; a memory limit of the
 * cgroup (version 2) bounds a tmpfs.
 */
export async function volumeSpace(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
  const volume = await statfs(path);
  const totalBytes = volume.blocks * volume.bsize;
  const freeBytes = volume.bavail * volume.bsize;
  if (volume.type !== TMPFS_MAGIC) return { totalBytes, freeBytes };
  const limit = await cgroupMemory();
  if (limit === undefined) return { totalBytes, freeBytes };
  return {
    totalBytes: Math.min(totalBytes, limit.max),
    freeBytes: Math.min(freeBytes, Math.max(0, limit.max - limit.current)),
  };
}

async function cgroupMemory(): Promise<{ readonly max: number; readonly current: number } | undefined> {
  try {
    const group = (await readFile('/proc/self/cgroup', 'utf8')).match(/^0::(.*)$/m)?.[1];
    if (group === undefined) return undefined;
    const read = async (name: string) => Number(await readFile(join('/sys/fs/cgroup', group, name), 'utf8'));
    const [max, current] = [await read('memory.max'), await read('memory.current')];
    return Number.isFinite(max) && Number.isFinite(current) ? { max, current } : undefined;
  } catch {
    // No cgroup version 2, or none with a memory controller: nothing bounds us but the volume.
    return undefined;
  }
}
