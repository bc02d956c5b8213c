import type { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import type { HostRoom } from './findBottlenecks.ts';

/** What a tier of a host could take and takes; `failed` of its `volumes` hold nothing. */
export interface TierRoom {
  readonly tier: VolumeReport['tier'];
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly volumes: readonly string[];
  readonly failed: readonly string[];
}

/** The tiers of a host, NVMe first. Of a host that lists no volumes it is the NVMe one alone, whose room its totals are. */
export function tierRooms({
  capacityBytes,
  usedBytes,
  volumes = [],
}: HostRoom & { readonly volumes?: readonly VolumeReport[] | undefined }): readonly TierRoom[] {
  if (volumes.length === 0) return [{ tier: 'nvme', capacityBytes, usedBytes, volumes: [], failed: [] }];
  return (['nvme', 'ssd'] as const).flatMap((tier) => {
    const own = volumes.filter((volume) => volume.tier === tier);
    if (own.length === 0) return [];
    return [
      {
        tier,
        capacityBytes: own.reduce((sum, volume) => sum + volume.capacityBytes, 0),
        usedBytes: own.reduce((sum, volume) => sum + volume.usedBytes, 0),
        volumes: own.map(({ name }) => name),
        failed: own.filter(({ state }) => state === 'failed').map(({ name }) => name),
      },
    ];
  });
}
