import { AuditSeal } from '../../events/audit-seal/v1.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { sealHash } from './hashes.ts';

const PREFIX = 'seals/';
const DIGITS = 12;
const PAGE = 1000;

/** A seal as it lies in the bucket; `seal` is absent where its bytes are none. */
export interface StoredSeal {
  readonly number: number;
  readonly hash: string;
  readonly seal: AuditSeal | undefined;
  /** Whether versions or delete markers were laid over it: it stays what it is, but somebody tried. */
  readonly covered: boolean;
}

/** The part of the locked bucket that is needed. */
export type SealObjects = Pick<ObjectStore, 'write' | 'readRange' | 'listVersions'>;

export function sealKey(number: number): string {
  return `${PREFIX}${String(number).padStart(DIGITS, '0')}.json`;
}

/** What was written first under a seal's number: whatever was laid over it since does not count. */
export async function readSeal(seals: SealObjects, number: number): Promise<StoredSeal | undefined> {
  const key = sealKey(number);
  let first: { readonly versionId: string; readonly size: number } | undefined;
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await seals.listVersions({ prefix: key, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    found += page.versions.length;
    // Newest first: the last one that is told of is the first.
    first = page.versions.findLast((one) => one.key === key && !one.isDeleteMarker) ?? first;
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (first === undefined) return undefined;
  const read = await seals.readRange(key, first.versionId, 0, first.size);
  // Its retention is over, and it was removed between the two calls.
  if (read.outcome !== 'read') return undefined;
  return { number, hash: sealHash(read.bytes), seal: parsed(read.bytes), covered: found > 1 };
}

/** Tries to lock a seal under its number; what lies there afterwards may be another one. */
export async function writeSeal(seals: SealObjects, seal: AuditSeal, retainUntil: EpochMs): Promise<void> {
  const bytes = new TextEncoder().encode(canonicalJson(seal));
  await seals.write(sealKey(seal.number), bytes, { onlyIf: 'absent', retainUntil });
}

/** The numbers of all seals that there are, in order, with the moment at which each was written. */
export async function listSeals(
  seals: SealObjects,
): Promise<readonly { readonly number: number; readonly at: EpochMs }[]> {
  const found = new Map<number, EpochMs>();
  let cursor: string | undefined;
  do {
    const page = await seals.listVersions({ prefix: PREFIX, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const { key, isDeleteMarker, lastModified } of page.versions) {
      const number = Number(key.slice(PREFIX.length, PREFIX.length + DIGITS));
      // Newest first: the last one that is told of a key was the first.
      if (!isDeleteMarker && sealKey(number) === key) found.set(number, lastModified);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...found].map(([number, at]) => ({ number, at })).toSorted((a, b) => a.number - b.number);
}

function parsed(bytes: Uint8Array): AuditSeal | undefined {
  try {
    return AuditSeal.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data;
  } catch {
    return undefined;
  }
}
