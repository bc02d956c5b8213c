import { AccessMonthRow, type Blob, BlobRow, RiskRow, shardOf, SWEEP_SHARDS } from '../../lib/catalog/index.ts';
import { readUsd, storageUsd } from '../../lib/placement/bill.ts';
import { type Rates, switchUsd } from '../../lib/placement/index.ts';
import { blobDigestOf, blobKey } from '../../lib/shared/digest.ts';
import type { Digest, StorageClass } from '../../lib/shared/ids.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { rowReader } from './invariants.ts';
import type { RowChange, Stage } from './stage.ts';

/** Reads between two sweeps that docs/placement.md promises to cover. */
const COVERED = 3;

/** A blob's stay in a class that it was moved to on a learned forecast. */
interface Stay {
  readonly digest: Digest;
  readonly bytes: number;
  readonly in: StorageClass;
  readonly from: number;
  /** When the risk was opened that it was moved with. */
  readonly openedAt: number;
  /** What going there has cost, unless it came from such a stay. */
  readonly entryUsd: number;
  readonly idleMs: number;
  until?: number;
  next?: StorageClass;
  /** Whether it went on by another learned move. */
  onward?: boolean;
}

/** A read of the bucket: when it was counted, and the beginning of its day. */
interface Read {
  readonly at: number;
  readonly day: number;
}

/** How long some bytes were stored. */
interface Life {
  readonly bytes: number;
  readonly from: number;
  until: number;
}

export interface WagerLedger {
  onBlob(change: RowChange, now: number): Promise<void>;
  onAccesses(change: RowChange, now: number): void;
  /** Bytes that no row named were stored all the same. */
  onRemoval(key: string, versionId: string | undefined, now: number): Promise<void>;
  /** Bytes of a shard's blobs that were stored all the while. */
  storedBytes(shard: number, since: number, until: number): number;
  /** What learned moves of a shard have cost more than Intelligent-Tiering would have, by what the store charges. */
  lostUsd(shard: number, now: number): number;
}

/** Follows the blobs themselves, and believes nothing that the dollars accounts say. */
export function createWagerLedger({ bucket, catalog }: Pick<Stage, 'bucket' | 'catalog'>, rates: Rates): WagerLedger {
  const [readBlob, readRisk, readMonth] = [rowReader(BlobRow), rowReader(RiskRow), rowReader(AccessMonthRow)];
  const stays: Stay[] = [];
  const lives = new Map<Digest, Life[]>();
  const counted = new Map<Digest, Read[]>();
  const home = rates.of('INTELLIGENT_TIERING');

  const lived = (digest: Digest, life: Life): void => void lives.set(digest, [...(lives.get(digest) ?? []), life]);

  /** When each read of the bucket was counted, by the day that it was of. */
  const reads = (digest: Digest): readonly Read[] => counted.get(digest) ?? [];

  /** When the risk was opened that a move was decided with: each is opened for one move, and may be there long after it. */
  function wageredAt(digest: Digest, to: StorageClass): number | undefined {
    for (const item of catalog.committedIn(`ALLOWANCE#${shardOf(digest, SWEEP_SHARDS)}`)) {
      if (item.key.sort !== `RISK#${digest}`) continue;
      const { openedAt, to: out } = readRisk(item);
      const made = stays.some((one) => one.digest === digest && one.in === to && one.openedAt === openedAt);
      return out === to && !made ? openedAt : undefined;
    }
    return undefined;
  }

  function moved(was: Blob, is: Blob, now: number): void {
    const { digest, size: bytes } = is;
    const left = stays.find((one) => one.digest === digest && one.until === undefined);
    const openedAt = wageredAt(digest, is.origin.storageClass);
    if (left !== undefined) {
      [left.until, left.next, left.onward] = [now, is.origin.storageClass, openedAt !== undefined];
    }
    if (openedAt === undefined) return;
    const lastRead = reads(digest).at(-1)?.at;
    const heldMs = now - was.origin.billedSince;
    const standing = { bytes, heldMs, idleMs: 0 };
    const wayUsd = switchUsd(rates.of(was.origin.storageClass), rates.of(is.origin.storageClass), standing);
    const stay = { digest, bytes, in: is.origin.storageClass, from: now, openedAt };
    stays.push({ ...stay, entryUsd: left === undefined ? wayUsd : 0, idleMs: now - (lastRead ?? is.createdAt) });
  }

  function lostBy(stay: Stay, now: number): number {
    const until = stay.until ?? now;
    const there = rates.of(stay.in);
    // Of days before it left, nobody could know any more that they came before it.
    const days = reads(stay.digest).filter(({ at, day }) => at > stay.from && at <= until && day + DAY_MS > stay.from);
    let shadowUsd = 0;
    let [from, idleMs] = [stay.from, stay.idleMs];
    for (const at of [...days.map((read) => read.at), until]) {
      shadowUsd += storageUsd(home, stay.bytes, at - from, idleMs);
      [from, idleMs] = [at, 0];
    }
    const covered = there.instant ? COVERED : 1;
    const readsUsd = Math.min(covered, days.length) * (readUsd(there, stay.bytes) - readUsd(home, stay.bytes));
    const standing = { bytes: stay.bytes, heldMs: until - stay.from, idleMs: 0 };
    const nextUsd = stay.next === undefined ? 0 : switchUsd(there, rates.of(stay.next), standing);
    // What others choose instead of Intelligent-Tiering, they pay for themselves.
    const exitUsd = stay.onward === true ? nextUsd : Math.min(nextUsd, switchUsd(there, home, standing));
    const ms = until - stay.from;
    const rentUsd = storageUsd(there, stay.bytes, ms) - shadowUsd;
    // Sweeps are daily: what a dearer class charges while none came is not the account's.
    const countedUsd = rentUsd > 0 && ms > DAY_MS ? (rentUsd * DAY_MS) / ms : rentUsd;
    return stay.entryUsd + countedUsd + readsUsd + exitUsd;
  }

  return {
    onAccesses({ before, after }, now) {
      if (after === undefined) return;
      const [was, is] = [before === undefined ? undefined : readMonth(before), readMonth(after)];
      const earlier = was?.misses ?? was?.days ?? {};
      for (const [day, times] of Object.entries(is.misses ?? is.days)) {
        const read = { at: now, day: Date.parse(`${is.month}-${day}T00:00:00Z`) };
        const more = Array.from({ length: Math.max(0, times - (earlier[day] ?? 0)) }, () => read);
        counted.set(is.digest, [...reads(is.digest), ...more]);
      }
    },
    async onBlob({ before, after }, now) {
      if (after === undefined) {
        const gone = before && lives.get(readBlob(before).digest)?.at(-1);
        if (gone !== undefined) gone.until = now;
        const left = before && stays.find((one) => one.digest === readBlob(before).digest && one.until === undefined);
        if (left !== undefined) left.until = now;
        return;
      }
      const is = readBlob(after);
      if (before === undefined) {
        // Its bytes may have been there before anybody named them.
        const { versions } = await bucket.listVersions({ prefix: blobKey(is.digest), limit: 100 });
        const from = Math.min(is.createdAt, ...versions.map(({ lastModified }) => lastModified));
        lived(is.digest, { bytes: is.size, from, until: Number.POSITIVE_INFINITY });
        return;
      }
      const was = readBlob(before);
      if (was.origin.storageClass !== is.origin.storageClass) moved(was, is, now);
    },
    async onRemoval(key, versionId, now) {
      const digest = blobDigestOf(key);
      if (digest === undefined || versionId === undefined) return;
      const found = await bucket.head(key, versionId);
      if (found.outcome !== 'found') return;
      const { lastModified, size } = found.head;
      lived(digest, { bytes: size, from: lastModified, until: now });
    },
    storedBytes(shard, since, until) {
      let sum = 0;
      for (const [digest, all] of lives) {
        if (shardOf(digest, SWEEP_SHARDS) !== shard) continue;
        const stored = all.filter((life) => life.from <= since && life.until >= until);
        sum += Math.max(0, ...stored.map(({ bytes }) => bytes));
      }
      return sum;
    },
    lostUsd(shard, now) {
      const own = stays.filter(({ digest }) => shardOf(digest, SWEEP_SHARDS) === shard);
      return own.reduce((sum, stay) => sum + lostBy(stay, now), 0);
    },
  };
}
