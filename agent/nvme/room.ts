import type { Digest } from '../../lib/shared/ids.ts';
import { FIRST_VOLUME, volumeRoot } from './paths.ts';
import { capacityBytes, type StoreParts, usedBytes, usedOn } from './parts.ts';
import type { VolumeConfig } from './volumes.ts';

/*
 * How much a volume of the store may take. These limits hold at once: its capacity (a setting; a `resize` bounds the NVMe
 * volumes together), the size of the volume or of its quota less the headroom, what others leave free on it, and the memory
 * limit of the cgroup where it is a tmpfs (the `Disk` port folds the last into its figures). Reservations count from the moment
 * they are in the ledger.
 */

/** How much must leave a volume before `bytes` more fit: zero or less when they fit now, `Infinity` where it has failed. */
export async function missingBytes(parts: StoreParts, volume: VolumeConfig, bytes: number): Promise<number> {
  const none = { totalBytes: 0, freeBytes: 0 };
  const space = () => parts.disk.space(volumeRoot(volume.name));
  const { totalBytes, freeBytes } = await parts.volumes.reach(volume.name, none, space);
  const { headroomBytes } = volume;
  const used = usedOn(parts, volume.name);
  const overTier = volume.tier === 'nvme' ? usedBytes(parts) + bytes - capacityBytes(parts) : Number.NEGATIVE_INFINITY;
  const overCapacity =
    parts.ledger.state.capacityBytes === undefined || volume.name !== FIRST_VOLUME
      ? used + bytes - volume.capacityBytes
      : Number.NEGATIVE_INFINITY;
  // A quota that was lowered below what lies here shows no more free bytes than one that is just full.
  const overQuota = used + bytes + headroomBytes - totalBytes;
  const overVolume = bytes + unclaimedBytes(parts, volume) + headroomBytes - freeBytes;
  if (!parts.volumes.isActive(volume.name)) return Number.POSITIVE_INFINITY;
  return Math.max(overTier, overCapacity, overQuota, overVolume);
}

const NOWHERE_NEAR = { high: Number.NEGATIVE_INFINITY, low: Number.NEGATIVE_INFINITY };

/** How many bytes a volume is above its high and its low watermark; negative below it. */
export async function overWatermarks(
  parts: StoreParts,
  volume: VolumeConfig,
): Promise<{ readonly high: number; readonly low: number }> {
  const { watermarks } = parts.config;
  if (watermarks === undefined) return NOWHERE_NEAR;
  const used = usedOn(parts, volume.name);
  const limit = used - (await missingBytes(parts, volume, 0));
  if (!Number.isFinite(limit)) return NOWHERE_NEAR;
  return { high: used - watermarks.high * limit, low: used - watermarks.low * limit };
}

function unclaimedBytes(parts: StoreParts, volume: VolumeConfig): number {
  let unclaimed = 0;
  for (const [digest, size] of parts.unclaimed) if (claimsOn(parts, digest, volume)) unclaimed += size;
  return unclaimed;
}

function claimsOn({ ledger }: StoreParts, digest: Digest, { name }: VolumeConfig): boolean {
  const blob = ledger.state.blobs.get(digest);
  return (blob?.also ?? blob?.volume) === name;
}
