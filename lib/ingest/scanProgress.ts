import { ScanProgressRow } from '../catalog/index.ts';
import { DAY_MS, EpochMs, KIB, MIB } from '../shared/units.ts';
import type { IngestDeps } from './deps.ts';
import type { PinnedObject } from './hashParts.ts';

/** Base64 of a piece stays below what one item of the catalog holds. */
const PIECE_BYTES = 192 * KIB;
const MAX_BYTES = 24 * MIB;
const KEEP_MS = 14 * DAY_MS;

/**
 * Keeps the progress of a paused judgement under the hash of its content, so that concurrent calls never mix their pieces and a
 * repeated one writes the same rows. Answers false, and writes nothing, where it is too large to be kept.
 */
export async function saveProgress(
  { catalog, clock }: Pick<IngestDeps, 'catalog' | 'clock'>,
  { key, versionId }: PinnedObject,
  progress: string,
  bytes: Uint8Array,
): Promise<boolean> {
  if (bytes.length > MAX_BYTES) return false;
  const pieces = Math.max(1, Math.ceil(bytes.length / PIECE_BYTES));
  const expiresAt = EpochMs.parse(clock.now() + KEEP_MS);
  for (let piece = 0; piece < pieces; piece += 1) {
    const part = Buffer.from(bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)).toString('base64');
    const row = { key, versionId, progress, piece, pieces, bytes: part, expiresAt };
    // A conflict means that the same content is there already.
    await catalog.transact([ScanProgressRow.put(row, 'absent')]);
  }
  return true;
}

/** Undefined where pieces are missing: the judgement begins anew. */
export async function loadProgress(
  { catalog }: Pick<IngestDeps, 'catalog'>,
  { key, versionId }: PinnedObject,
  progress: string,
): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  for (let piece = 0, pieces = 1; piece < pieces; piece += 1) {
    const row = await ScanProgressRow.get(catalog, key, versionId, progress, piece);
    if (row === undefined) return undefined;
    pieces = row.value.pieces;
    parts.push(Buffer.from(row.value.bytes, 'base64'));
  }
  return Buffer.concat(parts);
}
