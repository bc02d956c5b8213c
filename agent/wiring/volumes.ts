import { lstat, realpath, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { diskSegments } from '../../lib/adapters/diskPath.ts';
import { makeFolder } from '../../lib/adapters/files/makeFolder.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { errorText } from '../../lib/shared/errors.ts';
import type { VolumeName } from '../../lib/shared/ids.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes } from '../../lib/shared/units.ts';
import { joinVolumes, splitVolume } from '../nvme/volumeDisk.ts';
import type { VolumeConfig } from '../nvme/volumes.ts';
import { capacityOn } from './capacity.ts';
import type { AgentSettings, VolumeSettings } from './config.ts';

export interface WiredVolumes {
  readonly disk: Disk;
  readonly volumes: readonly VolumeConfig[];
  /** Where a path of `disk` really lies, free of links. Throws `DiskError` for one that could leave its volume. */
  readonly fullPath: (path: string) => string;
}

/**
 * The data folder at `root` with the further volumes below `volumes/`. There each is a link to its folder, through which others
 * follow the view; the agent itself goes to the folder at once. A volume that cannot be reached is left to fail in the store.
 */
export async function wireVolumes(root: string, settings: AgentSettings, telemetry: Telemetry): Promise<WiredVolumes> {
  const disks = new Map<VolumeName, Disk>();
  const folders = new Map<string, string>();
  const volumes: VolumeConfig[] = [];
  for (const volume of settings.volumes) {
    const { name, tier } = volume;
    let capacityBytes = volume.capacityBytes ?? Bytes.parse(0);
    try {
      const folder = await mountVolume(root, volume);
      const disk = await createNodeDisk(folder);
      const { totalBytes } = await disk.space();
      const room = { volume: name, totalBytes, headroomBytes: settings.headroomBytes };
      capacityBytes = capacityOn(room, volume.capacityBytes, telemetry);
      disks.set(name, disk);
      folders.set(name, folder);
    } catch (error) {
      telemetry.error('volume-not-reached', error, { volume: name, reason: errorText(error) });
    }
    volumes.push({ name, tier, capacityBytes, headroomBytes: settings.headroomBytes });
  }
  function fullPath(path: string): string {
    const { name, inner } = splitVolume(path);
    const folder = name === undefined ? root : folders.get(name);
    if (folder === undefined) throw new DiskError('io', `There is no volume ${name}.`);
    return join(folder, ...diskSegments(inner));
  }
  return { disk: joinVolumes(await createNodeDisk(root), disks), volumes, fullPath };
}

async function mountVolume(root: string, { name, path }: VolumeSettings): Promise<string> {
  makeFolder(path);
  const folder = await realpath(path);
  makeFolder(join(root, 'volumes'));
  const link = join(root, 'volumes', name);
  if ((await lstat(link).catch(() => undefined))?.isSymbolicLink() === true) await rm(link);
  await symlink(folder, link);
  return folder;
}
