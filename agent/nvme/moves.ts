import { errorText } from '../../lib/shared/errors.ts';
import type { Digest, VolumeName } from '../../lib/shared/ids.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import { Bytes, EpochMs, MIB, Usd } from '../../lib/shared/units.ts';
import { pickVictim, reportOf, reserveMove, type Victim } from './admission.ts';
import { decideDemotion } from './decideDemotion.ts';
import { capacityBytes, evictable, type StoreParts, usedBytes } from './parts.ts';
import { blobPath, stagingFolder, stagingPath } from './paths.ts';
import type { BlobEntry } from './ledgerState.ts';
import type { LedgerRecord } from './records.ts';
import { digestOfFile } from './rehash.ts';
import { evictBlob, removeFrom } from './removal.ts';
import { missingBytes, overWatermarks } from './room.ts';
import { cheapestPlace, termsOfNow } from './ssdCopies.ts';
import { unveil } from './unveil.ts';
import type { VolumeConfig } from './volumes.ts';

/*
 * Moves of resident blobs between the volumes of a host: down to an SSD volume instead of out of the cache, and up again after
 * somebody has asked for them. A move: reserve on the other volume → copy → hash the copy → unveil it → `moved` → remove the
 * old one → `alone`. Until `moved` the old copy is the blob and serves; what is leased is never moved, because its path is in
 * use. A crash before `moved` forgets the new copy, one after it the old.
 */
export interface Moves {
  /** Makes one move, where one is due. False: nothing is due, or what is due cannot be done now. */
  step(): Promise<boolean>;
  /** Resolves when no move is running; none starts afterwards. */
  stop(): Promise<void>;
}

const COPY_BYTES = MIB;
const EPOCH = EpochMs.parse(0);

/** What may leave for a move, and what the plane is told of it. */
interface Descent {
  readonly leaves: ReadonlySet<Digest>;
  readonly receipt: (digest: Digest, size: Bytes) => readonly LedgerRecord[];
}

/** On NVMe nothing leaves for a blob that comes up, and the plane counts it as the host's wherever it lies. */
const PROMOTION: Descent = { leaves: new Set(), receipt: () => [] };

/** How a move ended. One that `gave-way` says nothing against the next try; one that `failed` met its disk, or found no room. */
type MoveEnd = 'moved' | 'gave-way' | 'failed';

/** Ends a copy in the middle; never leaves this file. */
class Interrupted extends Error {}

export function createMoves(parts: StoreParts): Moves {
  const { ledger, volumes, disk } = parts;
  /** Volumes that were above their high watermark and are not yet at their low one. */
  const descending = new Set<VolumeName>();
  let stopped = false;
  let current: Promise<unknown> = Promise.resolve();

  function movable(blob: BlobEntry): boolean {
    return blob.state === 'resident' && blob.also === undefined && evictable(parts, blob);
  }

  async function move(digest: Digest, to: VolumeConfig, down: Descent = PROMOTION): Promise<MoveEnd> {
    return parts.blobTurns.take(digest, async () => {
      const blob = ledger.state.blobs.get(digest);
      if (blob?.state !== 'resident' || blob.also !== undefined || blob.pinned || parts.leases.protects(digest))
        return 'gave-way';
      if (!(await reserveMove(parts, blob, to, down.leaves))) return 'failed';
      let end: MoveEnd = 'gave-way';
      try {
        await copy(blob, to.name);
        await switchOver(blob, to, down);
        end = 'moved';
      } catch (error) {
        if (!(error instanceof Interrupted || error instanceof DiskError)) throw error;
        if (error instanceof DiskError) {
          end = 'failed';
          parts.telemetry.warn('blob-not-moved', { digest, to: to.name, error: errorText(error) });
        }
      } finally {
        parts.unclaimed.delete(digest);
      }
      await clearLeftover(digest);
      return end;
    });
  }

  /** The copy is hashed as it lies on its new volume: what serves from there was read from there. */
  async function copy({ digest, size, volume }: BlobEntry, to: VolumeName): Promise<void> {
    const [from, path] = [blobPath(digest, volume), stagingPath(digest, to)];
    await disk.write(path, 0, new Uint8Array());
    await disk.allocate(path, size);
    await disk.syncDirectory(stagingFolder(to));
    parts.unclaimed.delete(digest);
    for (let at = 0; at < size; ) {
      const bytes = await disk.read(from, at, Math.min(COPY_BYTES, size - at));
      if (bytes.length === 0) break;
      await disk.write(path, at, bytes);
      at += bytes.length;
      giveWay(digest);
    }
    await disk.sync(path);
    const pace = async () => giveWay(digest);
    const found = await digestOfFile(disk, path, parts.config.partSize, { hashes: [], pace });
    if (found === digest) return;
    // Which of the two is wrong, the scrub finds out.
    await ledger.commit([{ is: 'checked', digest, at: EPOCH }]);
    throw new DiskError('io', `The copy of ${digest} hashes to ${found}.`);
  }

  function giveWay(digest: Digest): void {
    if (stopped || parts.blobTurns.awaited(digest) || parts.leases.protects(digest)) throw new Interrupted();
  }

  async function switchOver({ digest, size, origin }: BlobEntry, to: VolumeConfig, down: Descent): Promise<void> {
    await unveil(disk, digest, to.name, size);
    giveWay(digest);
    // From here on nobody is given the old path.
    const endLeaving = parts.leaving.begin(digest);
    try {
      await ledger.commit([{ is: 'moved', digest }, ...down.receipt(digest, size)]);
    } finally {
      endLeaving();
    }
    parts.meters.wrote(to.tier, size);
    parts.meters.movedIn(to.tier, size);
    if (to.tier === 'nvme') parts.policy.entered(digest, size, origin?.storageClass);
    else parts.policy.left(digest, true);
  }

  /** Takes away what lies on a second volume: the old copy after a move, the new one after a move that was given up. */
  async function clearLeftover(digest: Digest): Promise<void> {
    const also = ledger.state.blobs.get(digest)?.also;
    if (also === undefined) return;
    await parts.view.unlink(digest);
    if (volumes.isActive(also) && !(await removeFrom(parts, digest, also))) return;
    await ledger.commit([{ is: 'alone', digest }]);
  }

  function leftover(): BlobEntry | undefined {
    return [...ledger.state.blobs.values()].find(
      (blob) => blob.also !== undefined && !parts.blobTurns.busy(blob.digest),
    );
  }

  /** Up: what was asked for while it lay on a slower volume, as soon as nobody holds it and there is room. */
  async function promote(): Promise<boolean> {
    for (const digest of parts.wished) {
      const blob = ledger.state.blobs.get(digest);
      if (blob === undefined || volumes.tierOf(blob.volume) !== 'ssd') parts.wished.delete(digest);
      else if (movable(blob)) {
        const to = await roomiest(blob.size);
        if (to === undefined) continue;
        parts.wished.delete(digest);
        if ((await move(digest, to)) === 'moved') {
          parts.telemetry.metric('BlobsPromoted', 'Count', 1);
          return true;
        }
      }
    }
    return false;
  }

  async function roomiest(size: number): Promise<VolumeConfig | undefined> {
    for (const volume of volumes.active('nvme')) if ((await missingBytes(parts, volume, size)) <= 0) return volume;
    return undefined;
  }

  /** Down: from an NVMe volume that was above its high watermark, what the eviction policy would take next. */
  async function demote(): Promise<boolean> {
    if (volumes.active('ssd').length === 0) return false;
    for (const volume of volumes.active('nvme')) {
      const over = await overWatermarks(parts, volume);
      if (over.high > 0) descending.add(volume.name);
      if (over.low <= 0) descending.delete(volume.name);
      if (!descending.has(volume.name)) continue;
      const candidates = [...ledger.state.blobs.values()].filter(
        (blob) => blob.volume === volume.name && movable(blob),
      );
      const victim = pickVictim(parts, candidates);
      if (victim !== undefined && (await letGo(victim))) return true;
    }
    return false;
  }

  async function letGo(victim: Victim): Promise<boolean> {
    const { blob, choice } = victim;
    const place = await cheapestPlace(parts, blob);
    const terms = termsOfNow(parts)(blob);
    const { action, reason } = decideDemotion({
      ...terms,
      displacedUsd: place?.displacedUsd,
      asked: parts.asks.known(blob.digest) || blob.since < parts.openedAt,
      originKnown: blob.origin !== undefined,
      draining: ledger.state.draining,
    });
    parts.telemetry.metric('DemotionDecided', 'Count', 1, { reason });
    const { storageClass } = blob.origin ?? {};
    const displacedUsd = Usd.parse(place?.displacedUsd ?? 0);
    const weighed = { ...(storageClass === undefined ? {} : { storageClass }), ...terms, displacedUsd };
    if (action === 'demote' && place !== undefined) {
      const receipt = (digest: Digest, size: Bytes) => {
        const why = { ...(choice === undefined ? {} : { choice }), demotion: { reason, ...weighed } };
        // It leaves NVMe with this, where its volume has not failed meanwhile.
        const used = Bytes.parse(Math.max(0, usedBytes(parts) - size));
        const measured = { bytesBefore: size, bytesAfter: size, usedBytes: used };
        const event = { type: 'demote', digest, outcome: 'done', code: 'ok', ...why, ...measured } as const;
        return parts.receiptOf(event, capacityBytes(parts));
      };
      const end = await move(blob.digest, place.volume, { leaves: place.leaves, receipt });
      // What gave way is worth its copy as before: the next step judges it again.
      if (end !== 'failed') return end === 'moved';
    }
    if (stopped) return false;
    // It may have been pinned while it was copied.
    const now = ledger.state.blobs.get(blob.digest);
    if (now === undefined || !movable(now)) return false;
    const demotion = { reason: action === 'demote' ? ('not-copied' as const) : reason, ...weighed };
    await evictBlob(parts, blob.digest, reportOf(parts, { ...victim, demotion }));
    return true;
  }

  async function step(): Promise<boolean> {
    const left = leftover();
    if (left !== undefined) await parts.blobTurns.take(left.digest, () => clearLeftover(left.digest));
    return (await demote()) || (await promote());
  }

  return {
    async step() {
      if (stopped || volumes.all.length === 1) return false;
      const moving = step();
      current = moving.catch(() => undefined);
      return moving;
    },
    async stop() {
      stopped = true;
      await current;
    },
  };
}
