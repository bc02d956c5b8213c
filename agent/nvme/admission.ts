import { formatCount } from '../../lib/shared/formatCount.ts';
import type { Demotion, EvictionChoice } from '../../events/command-receipt/v1.ts';
import type { Origin } from '../../events/host-command/v1.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { Bytes, formatBytes } from '../../lib/shared/units.ts';
import { capacityBytes, evictable, plannedBytes, type StoreParts, usedBytes, usedOn } from './parts.ts';
import type { BlobEntry } from './ledgerState.ts';
import { volumeRoot } from './paths.ts';
import { evictBlob, type RemovalOptions } from './removal.ts';
import { missingBytes, overWatermarks } from './room.ts';
import { leastWorthFirst } from './ssdCopies.ts';
import type { VolumeConfig } from './volumes.ts';

export type Admission =
  | { readonly outcome: 'reserved' }
  | { readonly outcome: 'refused'; readonly code: 'no-room' | 'draining'; readonly message: string };

/**
 * Sets bytes aside for a blob, evicting what may leave. Afterwards they count, whatever becomes of the fill, until the blob
 * is measured to be gone: reservations, partial fills, complete and broken copies together never exceed the capacity.
 * @throws DiskError when the reservation could not be made durable; then nothing is reserved.
 */
export function reserve(parts: StoreParts, digest: Digest, size: Bytes, origin: Origin): Promise<Admission> {
  return parts.admissions.take(async () => {
    if (parts.ledger.state.draining) return refused('draining', 'This host is draining; it takes no new models.');
    parts.policy.asked(digest, size, origin.storageClass);
    for (const volume of await byRoom(parts, size)) {
      if (!(await makeRoom(parts, [volume], () => missingBytes(parts, volume, size), { roomFor: digest }))) continue;
      await parts.ledger.commit([{ is: 'reserved', digest, size, origin, volume: volume.name }]);
      parts.unclaimed.set(digest, size);
      return { outcome: 'reserved' };
    }
    return refused(
      'no-room',
      `${formatCount(size, 'byte does', 'bytes do')} not fit: the rest is leased, pinned, being filled, or not ours.`,
    );
  });
}

/** The NVMe volumes, the one that lacks least for `bytes` more first. */
async function byRoom(parts: StoreParts, bytes: number): Promise<readonly VolumeConfig[]> {
  const volumes: { readonly volume: VolumeConfig; readonly missing: number }[] = [];
  for (const volume of parts.volumes.active('nvme')) {
    volumes.push({ volume, missing: await missingBytes(parts, volume, bytes) });
  }
  return volumes.toSorted((one, other) => one.missing - other.missing).map(({ volume }) => volume);
}

/**
 * Sets bytes aside on another volume for a resident blob that is copied there; only what was weighed to leave may leave for it.
 * False: there is no room.
 */
export function reserveMove(
  parts: StoreParts,
  blob: BlobEntry,
  to: VolumeConfig,
  leaves: ReadonlySet<Digest>,
): Promise<boolean> {
  return parts.admissions.take(async () => {
    const options = { mayLeave: (other: BlobEntry) => leaves.has(other.digest), roomFor: blob.digest };
    if (!(await makeRoom(parts, [to], () => missingBytes(parts, to, blob.size), options))) return false;
    await parts.ledger.commit([{ is: 'moving', digest: blob.digest, to: to.name }]);
    parts.unclaimed.set(blob.digest, blob.size);
    return true;
  });
}

export type Resize =
  | { readonly outcome: 'resized' }
  | { readonly outcome: 'refused'; readonly code: 'no-room' | 'leased'; readonly message: string };

/** What the NVMe volumes that stand have beside the headroom. */
async function mostCapacity({ disk, volumes }: Pick<StoreParts, 'disk' | 'volumes'>): Promise<Bytes> {
  let most = 0;
  for (const { name, headroomBytes } of volumes.active('nvme')) {
    most += Math.max(0, (await disk.space(volumeRoot(name))).totalBytes - headroomBytes);
  }
  return Bytes.parse(most);
}

/**
 * Called at the start, once the store is below its limits and a full disk can take the record: what an earlier `resize` allowed is cut
 * to what the volumes have where they have shrunk since, for good. While a volume is away nothing is cut: it may come back.
 * @throws DiskError when it could not be made durable; then it stays as it is until the next start.
 */
export async function cutCapacity(parts: StoreParts): Promise<void> {
  const { ledger, telemetry, volumes } = parts;
  const { capacityBytes: resized } = ledger.state;
  if (resized === undefined || !volumes.all.every(({ name }) => volumes.isActive(name))) return;
  const most = await mostCapacity(parts);
  if (resized <= most) return;
  await ledger.commit([{ is: 'capacity', capacityBytes: most }]);
  parts.policy.resized(plannedBytes(parts.config, most));
  telemetry.warn('capacity-above-volume', {
    capacityBytes: resized,
    mostBytes: most,
    hint: `The NVMe volumes have ${formatBytes(most)} beside the headroom: that is taken as the capacity, not the ${formatBytes(resized)} of an earlier resize.`,
  });
}

/** Evicts down to the new capacity, or refuses and leaves everything as it is where leases and pins forbid that. */
export function resize(parts: StoreParts, capacity: Bytes): Promise<Resize> {
  return parts.admissions.take(async () => {
    const most = await mostCapacity(parts);
    if (capacity > most) {
      const message = `The NVMe volumes have ${formatBytes(most)} beside the headroom.`;
      return { outcome: 'refused', code: 'no-room', message };
    }
    const missing = async () => usedBytes(parts) - capacity;
    if (!(await makeRoom(parts, parts.volumes.active('nvme'), missing))) {
      const message = 'What is leased, pinned or being filled takes more than that.';
      return { outcome: 'refused', code: 'leased', message };
    }
    await parts.ledger.commit([{ is: 'capacity', capacityBytes: capacity }]);
    parts.policy.resized(plannedBytes(parts.config, capacity));
    return { outcome: 'resized' };
  });
}

/**
 * Brings the store back under its limits after one of them has shrunk (a smaller configuration or quota, a fuller volume), and
 * from above the high watermark down to the low one. False: what is leased, pinned or being filled keeps it above a limit.
 */
export function enforceLimits(parts: StoreParts): Promise<boolean> {
  return parts.admissions.take(async () => {
    const wholly = { aim: 'as-far-as-possible' } as const;
    let within = true;
    for (const volume of parts.volumes.active()) {
      within = (await makeRoom(parts, [volume], () => missingBytes(parts, volume, 0), wholly)) && within;
      // Where there is a slower tier, what is above the watermark goes there in its own time.
      if (volume.tier === 'nvme' && parts.volumes.active('ssd').length > 0) continue;
      const over = await overWatermarks(parts, volume);
      if (over.high <= 0) continue;
      const target = usedOn(parts, volume.name) - over.low;
      await makeRoom(parts, [volume], async () => usedOn(parts, volume.name) - target, wholly);
    }
    return within;
  });
}

interface MakeRoom {
  readonly aim?: 'all-or-nothing' | 'as-far-as-possible';
  readonly mayLeave?: (blob: BlobEntry) => boolean;
  /** The blob that needs the room. */
  readonly roomFor?: Digest;
}

/** Evicts from these volumes until nothing is missing any more. */
async function makeRoom(
  parts: StoreParts,
  volumes: readonly VolumeConfig[],
  missing: () => Promise<number>,
  { aim = 'all-or-nothing', mayLeave = () => true, roomFor }: MakeRoom = {},
): Promise<boolean> {
  // A victim that leaks frees nothing; it is not tried again in this round.
  const tried = new Set<Digest>();
  const on = new Set(volumes.map(({ name }) => name));
  const candidate = (blob: BlobEntry) =>
    on.has(blob.volume) && !tried.has(blob.digest) && evictable(parts, blob) && mayLeave(blob);
  for (;;) {
    const lacking = await missing();
    if (lacking <= 0) return true;
    if (!Number.isFinite(lacking)) return false;
    const candidates = [...parts.ledger.state.blobs.values()].filter(candidate);
    const freeable = candidates.reduce((sum, blob) => sum + blob.size, 0);
    if (freeable < lacking && aim === 'all-or-nothing') return false;
    const victim = pickVictim(parts, candidates, roomFor);
    if (victim === undefined) return false;
    tried.add(victim.blob.digest);
    await evictForRoom(parts, victim);
  }
}

export interface Victim {
  readonly blob: BlobEntry;
  /** Of one that the policy chose. */
  readonly choice?: EvictionChoice;
  /** Of one that could have gone down to SSD. */
  readonly demotion?: Demotion;
}

/** What serves nobody leaves first: copies that are broken and partial fills that nobody continues. */
export function pickVictim(parts: StoreParts, candidates: readonly BlobEntry[], roomFor?: Digest): Victim | undefined {
  const { policy, volumes } = parts;
  const useless = candidates.find((blob) => blob.state === 'broken' || blob.state === 'filling');
  if (useless !== undefined) return { blob: useless };
  // The policy minds what lies on NVMe.
  const copies = leastWorthFirst(
    parts,
    candidates.filter((blob) => volumes.tierOf(blob.volume) === 'ssd'),
  );
  if (copies[0] !== undefined) return { blob: copies[0], choice: policy.explainBelow(copies, roomFor) };
  const byDigest = new Map(candidates.map((blob) => [blob.digest, blob]));
  const mayLeave = (digest: Digest) => byDigest.has(digest);
  const victim = policy.victim(mayLeave);
  const blob = victim === undefined ? undefined : byDigest.get(victim);
  return blob && { blob, choice: policy.explain(blob.digest, mayLeave, roomFor) };
}

async function evictForRoom(parts: StoreParts, victim: Victim): Promise<void> {
  await evictBlob(parts, victim.blob.digest, reportOf(parts, victim));
}

/** Makes the plane learn of an eviction that it has not commanded, durably with the removal itself. */
export function reportOf(parts: StoreParts, { blob, choice, demotion }: Victim): RemovalOptions {
  const { digest, size, state, volume } = blob;
  return {
    alsoCommit: (measured) => {
      if (state !== 'resident') return [];
      const gone = measured.bytesAfter === 0;
      const fast = parts.volumes.tierOf(volume) === 'nvme';
      const used = Bytes.parse(Math.max(0, usedBytes(parts) - (gone && fast ? size : 0)));
      const result = gone
        ? ({ outcome: 'done', code: 'ok' } as const)
        : ({ outcome: 'leaked', code: 'disk-error' } as const);
      const why = { ...(choice === undefined ? {} : { choice }), ...(demotion === undefined ? {} : { demotion }) };
      return parts.receiptOf(
        { type: 'evict', digest, ...result, ...why, ...measured, usedBytes: used },
        capacityBytes(parts),
      );
    },
  };
}

function refused(code: 'no-room' | 'draining', message: string): Admission {
  return { outcome: 'refused', code, message };
}
