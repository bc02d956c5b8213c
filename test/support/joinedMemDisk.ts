import { joinVolumes } from '../../agent/nvme/volumeDisk.ts';
import type { VolumeName } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { MemDisk } from './memDisk.ts';

/** Disks in memory as the volumes of one store. `mounts` are how the store sees the others, where that is not plainly. */
export function joinMemDisks(
  first: MemDisk,
  others: ReadonlyMap<VolumeName, MemDisk>,
  mounts: ReadonlyMap<VolumeName, Disk> = others,
): MemDisk {
  return {
    ...joinVolumes(first, mounts),
    powerCut(survives) {
      first.powerCut(survives);
      for (const disk of others.values()) disk.powerCut(survives);
    },
    flipBit(path, offset) {
      const [, name, inner] = /^volumes\/([^/]+)\/(.*)$/.exec(path) ?? [];
      const volume = [...others].find(([one]) => one === name)?.[1];
      (volume ?? first).flipBit(inner ?? path, offset);
    },
    tree: () => [
      ...first.tree(),
      ...[...others].flatMap(([name, disk]) => disk.tree().map((line) => `volumes/${name}/${line}`)),
    ],
  };
}
