import { createHash } from 'node:crypto';
import { type Blob, CopyRow, expectationOf, settle } from '../catalog/index.ts';
import { type PackedReader, readPackedIndex, unpackPart } from '../compression/index.ts';
import { BY_PARTS_RESERVE_MS, type CopyingDeps } from '../copying/index.ts';
import { partCount } from '../shared/digest.ts';
import type { ActionId, OriginEncoding } from '../shared/ids.ts';
import type { ObjectHead } from '../shared/ports/objectStore.ts';
import { createOriginReader, loadManifest, piecesOf, unreadable } from './originReader.ts';

interface Written {
  readonly blob: Blob;
  readonly actionId: ActionId;
  readonly encoding: OriginEncoding;
  readonly head: ObjectHead;
}

/**
 * Reads back what was written, part by part, over as many calls as it takes: what comes out of it must be the bytes that the digest names.
 * The row of the copy says how far that has come. `wrong`: it must not become the origin.
 */
export async function checkOrigin(
  deps: CopyingDeps,
  written: Written,
  remainingMs: () => number,
): Promise<'right' | 'wrong' | 'unfinished'> {
  const { blob, actionId, head } = written;
  const reader = createOriginReader(deps.objects, blob.digest, head.versionId, head.size);
  const count = partCount(blob.size, blob.partSize);
  const before = (await CopyRow.get(deps.catalog, blob.digest, actionId))?.value.checked;
  const first = before?.versionId === head.versionId ? before.parts : 0;
  try {
    const isRight = await partCheck(deps, written, reader);
    if (isRight === undefined) return 'wrong';
    for (let part = first; part < count; part += 1) {
      if (part > first && remainingMs() < BY_PARTS_RESERVE_MS) {
        await remember(deps, written, part);
        return 'unfinished';
      }
      if (!(await isRight(part))) return 'wrong';
    }
    return 'right';
  } catch (error) {
    // Also what cannot be read back, which throws anything else on.
    unreadable(error);
    return 'wrong';
  }
}

type PartCheck = (part: number) => Promise<boolean>;

/** Undefined where already the index is not the blob's. */
async function partCheck(
  { objects }: CopyingDeps,
  { blob, encoding }: Written,
  reader: PackedReader,
): Promise<PartCheck | undefined> {
  if (encoding === 'identity') {
    if (reader.size !== blob.size) return undefined;
    const manifest = await loadManifest(objects, blob.digest);
    return async (part) => {
      const hash = createHash('sha256');
      const end = Math.min(blob.size, (part + 1) * blob.partSize);
      for await (const piece of piecesOf(reader, part * blob.partSize, end)) hash.update(piece);
      return hash.digest('hex') === manifest.parts[part];
    };
  }
  const index = await readPackedIndex(reader);
  // The index carries the hash of each part, and the digest is the hash of these: parts that fit it make up the blob.
  if (index.digest !== blob.digest || index.size !== blob.size) return undefined;
  return async (part) => {
    await unpackPart(reader, index, part, async () => {});
    return true;
  };
}

/** The row lives until the switch, or the end of the action. */
async function remember({ catalog }: CopyingDeps, { blob, actionId, head }: Written, parts: number): Promise<void> {
  await settle(catalog, `Reading back ${blob.digest}`, async () => {
    const row = await CopyRow.get(catalog, blob.digest, actionId);
    if (row === undefined) return { changes: [], answer: undefined };
    const checked = { versionId: head.versionId, parts };
    return { changes: [CopyRow.put({ ...row.value, checked }, expectationOf(row))], answer: undefined };
  });
}
