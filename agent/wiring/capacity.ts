import type { VolumeName } from '../../lib/shared/ids.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, formatBytes } from '../../lib/shared/units.ts';

export interface VolumeRoom {
  readonly volume: VolumeName;
  /** Of the volume or its quota, or of the cgroup's memory where it is a tmpfs. */
  readonly totalBytes: number;
  readonly headroomBytes: Bytes;
}

/**
 * What models may take on a volume: what was asked for, at most the volume less the headroom, which is also what is taken where nothing
 * was asked for. The plane places by it, or by the last `resize`, which `cutCapacity` holds to the same.
 */
export function capacityOn(
  { volume, totalBytes, headroomBytes }: VolumeRoom,
  wanted: Bytes | undefined,
  telemetry: Telemetry,
): Bytes {
  const most = Bytes.parse(Math.max(0, totalBytes - headroomBytes));
  if (wanted === undefined || wanted <= most) return wanted ?? most;
  telemetry.warn('capacity-above-volume', {
    volume,
    capacityBytes: wanted,
    mostBytes: most,
    hint: `The volume has ${formatBytes(most)} beside the headroom: that is taken as its capacity, not ${formatBytes(wanted)}.`,
  });
  return most;
}
