import type { Agent, AgentConfig } from '../../../agent/agent.ts';
import type { VolumeConfig } from '../../../agent/nvme/volumes.ts';
import { blobDigest, partHash } from '../../../lib/shared/digest.ts';
import { type Digest, SemVer, VolumeName } from '../../../lib/shared/ids.ts';
import { type Disk, DiskError } from '../../../lib/shared/ports/disk.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { joinMemDisks } from '../../support/joinedMemDisk.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { createAgentWorld, PART, type TestBlob } from './agentWorld.ts';

/** A host with further volumes, each a disk of its own that can break by itself. */
export const COLD = VolumeName.parse('cold');
export const SECOND = VolumeName.parse('second');

export type Fault = 'io' | 'read-only' | 'unmounted' | 'full';

const WRITES: ReadonlySet<string> = new Set([
  'write',
  'truncate',
  'allocate',
  'rename',
  'remove',
  'makeDirectory',
  'setReadOnly',
]);

export interface TestVolume {
  readonly disk: MemDisk;
  fault: Fault | undefined;
}

function faulty(volume: TestVolume): Disk {
  const empty = createMemDisk();
  return new Proxy<Disk>(volume.disk, {
    get(target, name) {
      const member: unknown = Reflect.get(volume.fault === 'unmounted' ? empty : target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        const broken = volume.fault === 'io' || (volume.fault === 'read-only' && WRITES.has(String(name)));
        if (broken) throw new DiskError('io', `${String(args[0])}: EIO`);
        if (volume.fault === 'full' && name === 'allocate')
          throw new DiskError('no-space', `${String(args[0])}: ENOSPC`);
        const answer: unknown = await Reflect.apply(member, undefined, args);
        return answer;
      };
    },
  });
}

export interface VolumesOptions {
  /** Of the first volume. */
  readonly capacity: number;
  readonly volumes: readonly { readonly name: VolumeName; readonly tier: 'nvme' | 'ssd'; readonly capacity: number }[];
}

export function createVolumesWorld({ capacity, volumes }: VolumesOptions) {
  const first = createMemDisk();
  const others = new Map<VolumeName, TestVolume>();
  for (const { name } of volumes) others.set(name, { disk: createMemDisk(), fault: undefined });
  const mounts = new Map([...others].map(([name, volume]) => [name, faulty(volume)]));
  const disks = new Map([...others].map(([name, volume]) => [name, volume.disk]));
  const disk = joinMemDisks(first, disks, mounts);
  const world = createAgentWorld({ capacity, disk });
  const configs = volumes.map(
    ({ name, tier, capacity: bytes }): VolumeConfig => ({
      name,
      tier,
      capacityBytes: Bytes.parse(bytes),
      headroomBytes: Bytes.parse(0),
    }),
  );
  let files = 0;

  return {
    ...world,
    others,
    bootWith: (overrides: Partial<AgentConfig['store']> = {}): Promise<Agent> =>
      world.boot({ volumes: configs, watermarks: { high: 0.9, low: 0.5 }, ...overrides }),
    /** Fetches by command, so that no process has asked for it. */
    async fetched(agent: Agent, size: number): Promise<TestBlob> {
      files += 1;
      const blob = world.addBlob(size, files);
      world.command(world.prefetchOf(blob, `file-${files}`));
      await world.clock.advance(10);
      await world.work(agent);
      return blob;
    },
    /** A process asks for it and has done with it. */
    async asked(agent: Agent, blob: TestBlob): Promise<void> {
      const lease = await agent.store.lease([blob.digest]);
      await world.clock.advance(10);
      await agent.store.leases.release(lease?.id ?? '');
    },
    publishOne(name: string, blob: TestBlob, patch: number): void {
      world.publish(name, { [`file-${patch}`]: blob }, SemVer.parse(`1.0.${patch}`));
    },
    async moveAll(agent: Agent): Promise<number> {
      let moves = 0;
      while (await agent.moveOnce()) moves += 1;
      return moves;
    },
    /** Paths of all files that stand under a blob's name, with what they hash to. */
    async copies(): Promise<{ readonly path: string; readonly named: string; readonly found: Digest }[]> {
      const copies = [];
      for (const line of disk.tree()) {
        const path = line.split(' ')[0] ?? line;
        const named = /(?:^|^volumes\/[^/]+\/)blobs\/..\/([0-9a-f]{64})$/.exec(path)?.[1];
        if (named === undefined) continue;
        const bytes = await disk.read(path, 0, 1_000_000);
        const parts = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, at) =>
          partHash(bytes.subarray(at * PART, (at + 1) * PART)),
        );
        copies.push({ path, named, found: blobDigest(bytes.length, PART, parts) });
      }
      return copies;
    },
    staged: () => disk.tree().filter((line) => /(^|\/)staging\/./.test(line)),
    linksTo: (blob: TestBlob) => disk.tree().filter((line) => line.includes(' -> ') && line.endsWith(blob.digest)),
  };
}

export type VolumesWorld = ReturnType<typeof createVolumesWorld>;
