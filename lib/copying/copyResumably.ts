import { CopyRow, expectationOf, settle } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CopyOutcome, ObjectStore, WriteOptions } from '../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, SECOND_MS } from '../shared/units.ts';

export interface CopyingDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

interface Copying {
  readonly digest: Digest;
  /** `publish`, or the id of the action that the copy is made for: which calls go on with each other's copy. */
  readonly purpose: string;
  readonly source: { readonly key: string; readonly versionId: string };
  readonly options: WriteOptions;
}

/** No further parts are begun with less time left: one takes two minutes at most before the adapter gives it up. */
export const PART_RESERVE_MS = 150 * SECOND_MS;
/** As long as the bucket's lifecycle keeps the parts. */
export const KEPT_MS = 7 * DAY_MS;

/**
 * Copies pinned bytes to `blobs/<digest>`, over as many calls as it takes. `unfinished`: call again. Repeated, killed or
 * at once with itself, it goes on with the same parts.
 */
export async function copyResumably(
  deps: CopyingDeps,
  { digest, purpose, source, options }: Copying,
  remainingMs: () => number,
): Promise<CopyOutcome> {
  const before = await CopyRow.get(deps.catalog, digest, purpose);
  let kept = before !== undefined;
  const outcome = await deps.objects.copy(source, blobKey(digest), {
    ...options,
    resumable: {
      resume: before?.value.resume,
      async begun(resume) {
        kept = true;
        await settle(deps.catalog, `The copy of ${digest}`, async () => {
          const row = await CopyRow.get(deps.catalog, digest, purpose);
          if (row?.value.resume === resume) return { changes: [], answer: undefined };
          const now = deps.clock.now();
          const expiresAt = EpochMs.parse(now + KEPT_MS);
          const value = { digest, purpose, resume, startedAt: now, expiresAt };
          return { changes: [CopyRow.put(value, expectationOf(row))], answer: undefined };
        });
      },
      mayGoOn: () => remainingMs() > PART_RESERVE_MS,
    },
  });
  if (kept && outcome.outcome !== 'unfinished') await forget(deps, digest, purpose);
  return outcome;
}

/** Gives up a copy that is not wanted any more, with what it has stored. */
export async function abandonOwnCopy(deps: CopyingDeps, digest: Digest, purpose: string): Promise<void> {
  const row = await CopyRow.get(deps.catalog, digest, purpose);
  if (row === undefined) return;
  await deps.objects.abandonCopy(blobKey(digest), row.value.resume);
  await forget(deps, digest, purpose);
}

async function forget(deps: CopyingDeps, digest: Digest, purpose: string): Promise<void> {
  await settle(deps.catalog, `The copy of ${digest}`, async () => {
    const row = await CopyRow.get(deps.catalog, digest, purpose);
    if (row === undefined) return { changes: [], answer: undefined };
    const key = CopyRow.key(digest, purpose);
    return { changes: [{ kind: 'delete' as const, key, expect: { version: row.version } }], answer: undefined };
  });
}
