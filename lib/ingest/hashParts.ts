import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  expectationOf,
  PARTS_PER_ROW,
  queryAll,
  startingWith,
  type UploadParts,
  UploadPartsRow,
  type Versioned,
} from '../catalog/index.ts';
import { crc32cHex } from '../shared/crc32c/index.ts';
import { crc32cOf } from '../shared/crc32c/ofBytes.ts';
import { PartCrc32c, PartHash, partCount } from '../shared/digest.ts';
import type { Query } from '../shared/ports/catalogStore.ts';
import type { ObjectReader } from '../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, MIB, MINUTE_MS } from '../shared/units.ts';
import type { IngestCall, IngestDeps } from './deps.ts';

const CHUNK_BYTES = 8 * MIB;
/** Parts read at once; with 8 MiB chunks 64 MiB of memory at most. Progress is saved after each such batch. */
const PARALLEL_PARTS = 8;
/** A batch of 512 MiB takes a few seconds; no new one is begun with less time left. */
const RESERVE_MS = MINUTE_MS;
const KEEP_PROGRESS_MS = 14 * DAY_MS;

export interface PinnedObject {
  readonly key: string;
  readonly versionId: string;
  readonly size: number;
}

/** Of each part in turn. */
export interface PartSums {
  readonly hashes: readonly PartHash[];
  /** Undefined where no pass of this release has read the bytes. */
  readonly crc32c: readonly PartCrc32c[] | undefined;
}

export type HashOutcome =
  | ({ readonly outcome: 'hashed'; readonly bytesRead: number } & PartSums)
  /** Progress is saved; the same call goes on where this one stopped. */
  | { readonly outcome: 'out-of-time' }
  | { readonly outcome: 'absent' | 'archived' };

/**
 * The part hashes of one pinned object version: those that the store verified itself where it has them, else computed from
 * the bytes. Progress is kept in the catalog, so that a call that was cut off costs at most one batch.
 */
export async function hashParts(deps: IngestDeps, object: PinnedObject, call: IngestCall): Promise<HashOutcome> {
  const verified = await verifiedSums(deps, object);
  if (verified !== undefined) return { outcome: 'hashed', ...verified, bytesRead: 0 };
  const total = partCount(object.size, deps.settings.partSize);
  let bytesRead = 0;
  for (let done = await savedCount(deps, object); done < total; ) {
    if (call.remainingMs() < RESERVE_MS) return { outcome: 'out-of-time' };
    const from = done;
    const room = PARTS_PER_ROW - (from % PARTS_PER_ROW);
    const count = Math.min(PARALLEL_PARTS, total - from, room);
    const parts = Array.from({ length: count }, (_, index) => from + index);
    const batch = await Promise.all(parts.map((part) => hashPart(deps.objects, object, part, deps.settings.partSize)));
    const computed: PartSum[] = [];
    for (const answer of batch) {
      if (answer === 'absent' || answer === 'archived') return { outcome: answer };
      computed.push(answer);
      bytesRead += answer.bytes;
    }
    done = (await saveProgress(deps, object, from, computed)) ? from + count : await savedCount(deps, object);
  }
  const rows = await savedRows(deps, object);
  const hashes = rows.flatMap((row) => row.value.hashes);
  const crc32c = rows.flatMap((row) => row.value.crc32c ?? []);
  return { outcome: 'hashed', hashes, crc32c: crc32c.length === total ? crc32c : undefined, bytesRead };
}

/** The sums that the store vouches for; undefined where it has none in our part size. */
export async function verifiedSums(
  { objects, settings }: IngestDeps,
  { key, versionId, size }: PinnedObject,
): Promise<PartSums | undefined> {
  const verified = await objects.verifiedParts(key, versionId, settings.partSize);
  const count = partCount(size, settings.partSize);
  const hashes = z.array(PartHash).safeParse(verified?.sha256);
  if (!hashes.success || hashes.data.length !== count) return undefined;
  const crc32c = z.array(PartCrc32c).safeParse(verified?.crc32c);
  return { hashes: hashes.data, crc32c: crc32c.data?.length === count ? crc32c.data : undefined };
}

interface PartSum {
  readonly hash: PartHash;
  readonly crc32c: PartCrc32c;
  readonly bytes: number;
}

async function hashPart(
  objects: ObjectReader,
  { key, versionId, size }: PinnedObject,
  part: number,
  partSize: number,
): Promise<PartSum | 'absent' | 'archived'> {
  const hash = createHash('sha256');
  let crc32c = 0;
  const start = part * partSize;
  const end = Math.min(start + partSize, size);
  for (let offset = start; offset < end; offset += CHUNK_BYTES) {
    const answer = await objects.readRange(key, versionId, offset, Math.min(CHUNK_BYTES, end - offset));
    if (answer.outcome !== 'read') return answer.outcome;
    hash.update(answer.bytes);
    crc32c = crc32cOf(answer.bytes, crc32c);
  }
  return {
    hash: PartHash.parse(hash.digest('hex')),
    crc32c: PartCrc32c.parse(crc32cHex(crc32c)),
    bytes: end - start,
  };
}

/** Rows fill up one after the other, so the last one tells how many parts are done: a terabyte's rows are not read for each batch. */
async function savedCount(deps: IngestDeps, object: PinnedObject): Promise<number> {
  const page = await deps.catalog.query({ ...rowsOf(object), descending: true, limit: 1 });
  const [last] = page.items.map((item) => UploadPartsRow.parse(item).value);
  return last === undefined ? 0 : last.first + last.hashes.length;
}

async function savedRows(deps: IngestDeps, object: PinnedObject): Promise<readonly Versioned<UploadParts>[]> {
  const items = await queryAll(deps.catalog, rowsOf(object));
  return items.map((item) => UploadPartsRow.parse(item));
}

function rowsOf({ key, versionId }: PinnedObject): Pick<Query, 'partition' | 'from' | 'to'> {
  const { partition, sort } = UploadPartsRow.key(key, versionId, 0);
  return { partition, ...startingWith(sort.slice(0, sort.lastIndexOf('#') + 1)) };
}

/** Appends to the row that `from` falls into; false where another call was faster, which computed the same hashes. */
async function saveProgress(
  deps: IngestDeps,
  { key, versionId }: PinnedObject,
  from: number,
  computed: readonly PartSum[],
): Promise<boolean> {
  const first = from - (from % PARTS_PER_ROW);
  const row = await UploadPartsRow.get(deps.catalog, key, versionId, first);
  const { hashes = [], crc32c = [] } = row?.value ?? {};
  if (first + hashes.length !== from) return false;
  const expiresAt = EpochMs.parse(deps.clock.now() + KEEP_PROGRESS_MS);
  const value: UploadParts = {
    key,
    versionId,
    first,
    hashes: [...hashes, ...computed.map(({ hash }) => hash)],
    crc32c: [...crc32c, ...computed.map((sum) => sum.crc32c)],
    expiresAt,
  };
  const written = await deps.catalog.transact([UploadPartsRow.put(value, expectationOf(row))]);
  return written.outcome === 'committed';
}
