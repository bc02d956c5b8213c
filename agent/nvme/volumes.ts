import type { VolumeName } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { Bytes } from '../../lib/shared/units.ts';
import type { Ledger } from './ledger.ts';
import { blobsFolder, FIRST_VOLUME, FOLDERS, stagingFolder, volumePrefix, volumeRoot } from './paths.ts';

/*
 * A volume: active → failed, for the rest of this incarnation. It is active once its folders stand and its mark is the one that
 * the ledger knows. It fails when its mark cannot be read, or a few bytes cannot be written and synced: gone, read-only, or
 * broken. What lay on a failed one is not served and not counted; the first volume holds the ledger and fails with the agent.
 */
export type DiskTier = 'nvme' | 'ssd';

export interface VolumeConfig {
  readonly name: VolumeName;
  readonly tier: DiskTier;
  readonly capacityBytes: Bytes;
  readonly headroomBytes: Bytes;
}

export interface Volumes {
  readonly all: readonly VolumeConfig[];
  /** In the order of the configuration, the first volume first. */
  active(tier?: DiskTier): readonly VolumeConfig[];
  isActive(name: VolumeName): boolean;
  tierOf(name: VolumeName): DiskTier | undefined;
  /** Tries each active volume beside the first. */
  probe(): Promise<void>;
  /**
   * Does `work` on a volume. Where that fails because the volume has failed, `otherwise`: a broken volume is nobody else's
   * trouble. Throws what `work` throws otherwise.
   */
  reach<T>(name: VolumeName, otherwise: T, work: () => Promise<T>): Promise<T>;
}

export interface VolumesDeps {
  readonly disk: Disk;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

export async function openVolumes(
  deps: VolumesDeps,
  first: Omit<VolumeConfig, 'name' | 'tier'>,
  others: readonly VolumeConfig[],
): Promise<Volumes> {
  const all = [{ ...first, name: FIRST_VOLUME, tier: 'nvme' } as const, ...others];
  const failed = new Set<VolumeName>();
  for (const { name } of others) await tryOut(name, () => openVolume(deps, name));

  async function tryOut(name: VolumeName, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (failed.has(name)) return;
      failed.add(name);
      deps.telemetry.error('volume-failed', error, { volume: name });
      deps.telemetry.metric('VolumesFailed', 'Count', 1);
    }
  }

  return {
    all,
    active: (tier) => all.filter((one) => !failed.has(one.name) && (tier === undefined || one.tier === tier)),
    isActive: (name) => !failed.has(name) && all.some((one) => one.name === name),
    tierOf: (name) => all.find((one) => one.name === name)?.tier,
    async probe() {
      for (const { name } of others) if (!failed.has(name)) await tryOut(name, () => probeVolume(deps, name));
    },
    async reach(name, otherwise, work) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DiskError) || name === FIRST_VOLUME) throw error;
        await tryOut(name, () => probeVolume(deps, name));
        if (!failed.has(name)) throw error;
        return otherwise;
      }
    },
  };
}

/** Of a volume that an operator has replaced nothing is believed: what the ledger says of it is dropped. */
async function openVolume(deps: VolumesDeps, name: VolumeName): Promise<void> {
  const { disk, ledger } = deps;
  const prefix = volumePrefix(name);
  for (const folder of [`${prefix}${FOLDERS.state}`, blobsFolder(name), stagingFolder(name)]) {
    await disk.makeDirectory(folder);
  }
  await disk.syncDirectory(volumeRoot(name));
  const found = await readMark(disk, name);
  const known = ledger.state.volumes.get(name);
  const mark = found ?? deps.random.id();
  if (found === undefined) {
    await disk.write(markPath(name), 0, Buffer.from(mark));
    await disk.sync(markPath(name));
    await disk.syncDirectory(`${prefix}${FOLDERS.state}`);
  }
  if (known === mark) return;
  if (known !== undefined) deps.telemetry.warn('volume-replaced', { volume: name });
  const gone = [...ledger.state.blobs.values()].filter((blob) => blob.volume === name);
  await ledger.commit([
    ...gone.map(({ digest }) => ({ is: 'gone', digest }) as const),
    { is: 'volume', volume: name, mark },
  ]);
}

/** An unmounted volume shows the empty folder below it; a read-only one takes no byte. */
async function probeVolume({ disk, ledger }: VolumesDeps, name: VolumeName): Promise<void> {
  if ((await readMark(disk, name)) !== ledger.state.volumes.get(name)) {
    throw new DiskError('io', `The volume ${name} is not the one that was opened.`);
  }
  const path = `${volumePrefix(name)}${FOLDERS.state}/probe`;
  await disk.write(path, 0, Buffer.from('probe'));
  await disk.sync(path);
}

async function readMark(disk: Disk, name: VolumeName): Promise<string | undefined> {
  if ((await disk.stat(markPath(name))) === undefined) return undefined;
  return Buffer.from(await disk.read(markPath(name), 0, 100)).toString('utf8');
}

const markPath = (name: VolumeName): string => `${volumePrefix(name)}${FOLDERS.state}/volume`;
