import { capacityBytes, type StoreParts, usedBytes } from './parts.ts';

/*
 * How much the store may take. Four limits hold at once: its capacity (a setting or a `resize`), the size of the volume or of
 * its quota less the headroom, what others leave free on it, and the memory limit of the cgroup where the volume is a tmpfs
 * (the `Disk` port folds the last into its figures). Reservations count from the moment they are in the ledger.
 */

/** How much must leave before `bytes` more fit; zero or less when they fit now. */
export async function missingBytes(parts: StoreParts, bytes: number, capacity: number): Promise<number> {
  const { totalBytes, freeBytes } = await parts.disk.space();
  const { headroomBytes } = parts.config;
  const used = usedBytes(parts);
  const overCapacity = used + bytes - capacity;
  // A quota that was lowered below what lies here shows no more free bytes than one that is just full.
  const overQuota = used + bytes + headroomBytes - totalBytes;
  const overVolume = bytes + unclaimedBytes(parts) + headroomBytes - freeBytes;
  return Math.max(overCapacity, overQuota, overVolume);
}

/** The capacity to evict down to now, ahead of need; undefined below the high watermark. */
export async function lowWatermark(parts: StoreParts): Promise<number | undefined> {
  const { watermarks } = parts.config;
  if (watermarks === undefined) return undefined;
  const used = usedBytes(parts);
  const limit = used - (await missingBytes(parts, 0, capacityBytes(parts)));
  return used > watermarks.high * limit ? watermarks.low * limit : undefined;
}

function unclaimedBytes(parts: StoreParts): number {
  let unclaimed = 0;
  for (const size of parts.unclaimed.values()) unclaimed += size;
  return unclaimed;
}
