import { CopyRow, expectationOf, settle } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import type { EndOutcome, WriteOptions } from '../shared/ports/objectStore.ts';
import { EpochMs, MINUTE_MS } from '../shared/units.ts';
import { type CopyingDeps, KEPT_MS } from './copyResumably.ts';

export interface ByParts {
  readonly digest: Digest;
  /** The id of the action that the object is written for. */
  readonly purpose: string;
  readonly options: Pick<WriteOptions, 'storageClass' | 'metadata'>;
  readonly count: number;
  /**
   * The bytes of one part; `sizes` are those of the parts before it. `undefined`: what was written so far says that the object is not
   * wanted, and it is left unfinished.
   */
  readonly partOf: (part: number, sizes: readonly number[]) => Promise<Uint8Array | undefined>;
}

/** A part takes seconds, and its upload two minutes at most before the adapter gives it up. */
export const BY_PARTS_RESERVE_MS = 2 * MINUTE_MS;

/**
 * Writes `blobs/<digest>` part by part, over as many calls as it takes; each call writes one at least. `unfinished`: call again. Repeated, or
 * killed, it goes on behind the parts that are there; at once with itself, each writes the same parts. `gone`: somebody else has ended it,
 * or the store has forgotten it: the next call begins anew.
 */
export async function writeResumably(
  deps: CopyingDeps,
  writing: ByParts,
  remainingMs: () => number,
): Promise<EndOutcome | { readonly outcome: 'unfinished' | 'unwanted' }> {
  const { digest, count, partOf } = writing;
  const { objects } = deps;
  const key = blobKey(digest);
  const { resume, there } = await open(deps, writing);
  const sizes: number[] = [];
  let written = 0;
  for (let part = 0; part < count; part += 1) {
    let size = there.get(part + 1);
    if (size === undefined) {
      if (written > 0 && remainingMs() < BY_PARTS_RESERVE_MS) return { outcome: 'unfinished' };
      const bytes = await partOf(part, sizes);
      if (bytes === undefined) return { outcome: 'unwanted' };
      if ((await objects.writePart(key, resume, part + 1, bytes)) === 'gone') return { outcome: 'gone' };
      written += 1;
      size = bytes.byteLength;
    }
    sizes.push(size);
  }
  return objects.endParts(key, resume, count);
}

async function open(
  deps: CopyingDeps,
  { digest, purpose, options }: ByParts,
): Promise<{ readonly resume: string; readonly there: ReadonlyMap<number, number> }> {
  const key = blobKey(digest);
  const before = (await CopyRow.get(deps.catalog, digest, purpose))?.value.resume;
  const there = before === undefined ? undefined : await deps.objects.writtenParts(key, before);
  if (before !== undefined && there !== undefined) return { resume: before, there };
  const begun = await deps.objects.beginParts(key, options);
  const resume = await settle(deps.catalog, `The copy of ${digest}`, async () => {
    const row = await CopyRow.get(deps.catalog, digest, purpose);
    // Another call has begun it meanwhile: both go on with that one.
    if (row !== undefined && row.value.resume !== before) return { changes: [], answer: row.value.resume };
    const now = deps.clock.now();
    const value = { digest, purpose, resume: begun, startedAt: now, expiresAt: EpochMs.parse(now + KEPT_MS) };
    return { changes: [CopyRow.put(value, expectationOf(row))], answer: begun };
  });
  if (resume === begun) return { resume, there: new Map() };
  await deps.objects.abandonCopy(key, begun);
  return { resume, there: (await deps.objects.writtenParts(key, resume)) ?? new Map() };
}
