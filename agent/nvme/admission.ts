import type { EvictionChoice } from '../../events/command-receipt/v1.ts';
import type { Origin } from '../../events/host-command/v1.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';
import { capacityBytes, evictable, plannedBytes, type StoreParts, usedBytes } from './parts.ts';
import type { BlobEntry } from './records.ts';
import { evictBlob } from './removal.ts';
import { lowWatermark, missingBytes } from './room.ts';

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
    parts.policy.asked(digest, size);
    if (!(await makeRoom(parts, { bytes: size, for: digest }, capacityBytes(parts)))) {
      return refused('no-room', `${size} bytes do not fit: the rest is leased, pinned, being filled, or not ours.`);
    }
    await parts.ledger.commit([{ is: 'reserved', digest, size, origin }]);
    parts.unclaimed.set(digest, size);
    return { outcome: 'reserved' };
  });
}

export type Resize =
  | { readonly outcome: 'resized' }
  | { readonly outcome: 'refused'; readonly code: 'no-room' | 'leased'; readonly message: string };

/** Evicts down to the new capacity, or refuses and leaves everything as it is where leases and pins forbid that. */
export function resize(parts: StoreParts, capacity: Bytes): Promise<Resize> {
  return parts.admissions.take(async () => {
    const { totalBytes } = await parts.disk.space();
    if (capacity > totalBytes - parts.config.headroomBytes) {
      const message = `The volume has ${totalBytes} bytes, of which ${parts.config.headroomBytes} stay free.`;
      return { outcome: 'refused', code: 'no-room', message };
    }
    if (usedBytes(parts) > capacity && !(await makeRoom(parts, NO_ROOM, capacity))) {
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
    if (!(await makeRoom(parts, NO_ROOM, capacityBytes(parts), 'as-far-as-possible'))) return false;
    const low = await lowWatermark(parts);
    if (low !== undefined) await makeRoom(parts, NO_ROOM, low, 'as-far-as-possible');
    return true;
  });
}

interface Room {
  readonly bytes: number;
  /** The blob that needs it. */
  readonly for?: Digest;
}

/** Only what is above the limits has to leave. */
const NO_ROOM: Room = { bytes: 0 };

async function makeRoom(
  parts: StoreParts,
  room: Room,
  capacity: number,
  aim: 'all-or-nothing' | 'as-far-as-possible' = 'all-or-nothing',
): Promise<boolean> {
  // A victim that leaks frees nothing; it is not tried again in this round.
  const tried = new Set<Digest>();
  const candidate = (blob: BlobEntry) => evictable(parts, blob) && !tried.has(blob.digest);
  for (;;) {
    const missing = await missingBytes(parts, room.bytes, capacity);
    if (missing <= 0) return true;
    const candidates = [...parts.ledger.state.blobs.values()].filter(candidate);
    const freeable = candidates.reduce((sum, blob) => sum + blob.size, 0);
    if (freeable < missing && aim === 'all-or-nothing') return false;
    const victim = pickVictim(parts, candidates, room.for);
    if (victim === undefined) return false;
    tried.add(victim.blob.digest);
    await evictForRoom(parts, victim);
  }
}

interface Victim {
  readonly blob: BlobEntry;
  /** Of one that the policy chose. */
  readonly choice?: EvictionChoice;
}

/** What serves nobody leaves first: copies that are broken and partial fills that nobody continues. */
function pickVictim(
  { policy }: StoreParts,
  candidates: readonly BlobEntry[],
  roomFor: Digest | undefined,
): Victim | undefined {
  const useless = candidates.find((blob) => blob.state === 'broken' || blob.state === 'filling');
  if (useless !== undefined) return { blob: useless };
  const byDigest = new Map(candidates.map((blob) => [blob.digest, blob]));
  const mayLeave = (digest: Digest) => byDigest.has(digest);
  const victim = policy.victim(mayLeave);
  const blob = victim === undefined ? undefined : byDigest.get(victim);
  return blob && { blob, choice: policy.explain(blob.digest, mayLeave, roomFor) };
}

async function evictForRoom(parts: StoreParts, { blob, choice }: Victim): Promise<void> {
  const { digest, size, state } = blob;
  await evictBlob(parts, digest, {
    alsoCommit: (measured) => {
      if (state !== 'resident') return [];
      const gone = measured.bytesAfter === 0;
      const used = Bytes.parse(usedBytes(parts) - (gone ? size : 0));
      const result = gone
        ? ({ outcome: 'done', code: 'ok' } as const)
        : ({ outcome: 'leaked', code: 'disk-error' } as const);
      const why = choice === undefined ? {} : { choice };
      return parts.receiptOf(
        { type: 'evict', digest, ...result, ...why, ...measured, usedBytes: used },
        capacityBytes(parts),
      );
    },
  });
}

function refused(code: 'no-room' | 'draining', message: string): Admission {
  return { outcome: 'refused', code, message };
}
