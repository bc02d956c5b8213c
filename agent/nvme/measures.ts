import type { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import { Bytes } from '../../lib/shared/units.ts';
import { capacityBytes, reservedBytes, type StoreParts, usedBytes, usedOn } from './parts.ts';
import { volumeRoot } from './paths.ts';
import type { VolumeConfig } from './volumes.ts';

export interface StoreMeasures {
  /** These four: of the NVMe volumes together. */
  readonly capacityBytes: Bytes;
  readonly usedBytes: Bytes;
  readonly reservedBytes: Bytes;
  readonly volumeFreeBytes: Bytes;
  /** Where there are several. */
  readonly volumes?: VolumeReport[];
}

/** @throws DiskError when the first volume cannot be asked. */
export async function measureStore(parts: StoreParts): Promise<StoreMeasures> {
  const volumes: VolumeReport[] = [];
  for (const volume of parts.volumes.all) volumes.push(await measureVolume(parts, volume));
  const free = volumes.filter(({ tier }) => tier === 'nvme').reduce((sum, { freeBytes }) => sum + freeBytes, 0);
  return {
    capacityBytes: capacityBytes(parts),
    usedBytes: usedBytes(parts),
    reservedBytes: reservedBytes(parts),
    volumeFreeBytes: Bytes.parse(free),
    ...(volumes.length === 1 ? {} : { volumes }),
  };
}

const NOTHING = Bytes.parse(0);

async function measureVolume(parts: StoreParts, volume: VolumeConfig): Promise<VolumeReport> {
  const { name, tier } = volume;
  const { volumes } = parts;
  const free = volumes.isActive(name)
    ? await volumes.reach(name, undefined, async () => (await parts.disk.space(volumeRoot(name))).freeBytes)
    : undefined;
  if (free === undefined) {
    const nothing = { capacityBytes: NOTHING, usedBytes: NOTHING, reservedBytes: NOTHING, freeBytes: NOTHING };
    return { name, tier, state: 'failed', ...nothing };
  }
  let reserved = 0;
  for (const blob of parts.ledger.state.blobs.values()) {
    const comes = blob.state === 'filling' ? blob.volume : blob.also;
    if (comes === name) reserved += blob.size;
  }
  return {
    name,
    tier,
    state: 'active',
    capacityBytes: volume.capacityBytes,
    usedBytes: Bytes.parse(usedOn(parts, name)),
    reservedBytes: Bytes.parse(reserved),
    freeBytes: Bytes.parse(free),
  };
}
