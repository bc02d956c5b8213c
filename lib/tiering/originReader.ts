import { CompressionError, type PackedReader } from '../compression/index.ts';
import { blobKey, manifestIsSound, manifestKey, PartManifest } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { MIB } from '../shared/units.ts';
import { TieringError } from './errors.ts';

/** One request brings so much; what is read next lies mostly in it. */
const AHEAD_BYTES = 8 * MIB;

/** The pinned version cannot be read: it is gone, or its restored copy is. */
class UnreadableOrigin extends Error {
  override readonly name = 'UnreadableOrigin';
  readonly outcome: 'absent' | 'archived';
  constructor(outcome: UnreadableOrigin['outcome']) {
    super(`the origin is ${outcome}`);
    this.outcome = outcome;
  }
}

/** Why an origin could not be read, where the error says so; else the error is thrown on. */
export function unreadable(error: unknown): 'source-absent' | 'source-archived' | 'source-differs' {
  if (error instanceof UnreadableOrigin) return `source-${error.outcome}`;
  // Damaged: none of its bytes is used.
  if (error instanceof CompressionError) return 'source-differs';
  throw error;
}

/** Reads one version of a blob's object from front to back, in requests of 8 MiB. Throws `UnreadableOrigin` and what the store throws. */
export function createOriginReader(
  objects: ObjectStore,
  digest: Digest,
  versionId: string,
  size: number,
): PackedReader {
  let held: { readonly at: number; readonly bytes: Uint8Array } = { at: 0, bytes: new Uint8Array(0) };
  async function fetched(offset: number, length: number): Promise<Uint8Array> {
    const answer = await objects.readRange(blobKey(digest), versionId, offset, length);
    if (answer.outcome !== 'read') throw new UnreadableOrigin(answer.outcome);
    return answer.bytes;
  }
  return {
    size,
    async read(offset, length) {
      const from = offset - held.at;
      if (from < 0 || from + length > held.bytes.length) {
        const wanted = Math.min(Math.max(length, AHEAD_BYTES), size - offset);
        held = { at: offset, bytes: await fetched(offset, wanted) };
        return held.bytes.subarray(0, length);
      }
      return held.bytes.subarray(from, from + length);
    },
  };
}

/** Of a range, in pieces. */
export async function* piecesOf(reader: PackedReader, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += AHEAD_BYTES) yield await reader.read(at, Math.min(AHEAD_BYTES, to - at));
}

/** What each part of a blob hashes to. Throws `TieringError` `manifest-missing` until a repair has written it again. */
export async function loadManifest(objects: ObjectStore, digest: Digest): Promise<PartManifest> {
  const key = manifestKey(digest);
  const found = await objects.head(key);
  const read =
    found.outcome === 'found' ? await objects.readRange(key, found.head.versionId, 0, found.head.size) : undefined;
  const manifest = read?.outcome === 'read' ? parsed(read.bytes) : undefined;
  if (manifest?.digest === digest && manifestIsSound(manifest)) return manifest;
  throw new TieringError({
    code: 'manifest-missing',
    message: `${key} is missing or damaged; the reconciler writes it again, and the message comes again.`,
    retryable: true,
  });
}

function parsed(bytes: Uint8Array): PartManifest | undefined {
  try {
    return PartManifest.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
