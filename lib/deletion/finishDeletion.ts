import {
  type Action,
  ActionRow,
  BlobRow,
  type Decided,
  expectationOf,
  type Orphan,
  OrphanRow,
  queryAll,
  settle,
  startingWith,
} from '../catalog/index.ts';
import { blobKey, manifestKey } from '../shared/digest.ts';
import type { ActionId, Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { ObjectDiffersError } from './errors.ts';
import { loadReplicas } from './versionRows.ts';

/** A publication that saw a version before it was condemned may still be about to name it: so long it finds out. */
const ANNOUNCED_MS = DAY_MS;

type Outcome = Pick<NonNullable<Action['outcome']>, 'code' | 'text'>;

const REMOVED: Outcome = { code: 'purged', text: 'Every object version that was judged is gone.' };
export const NOTHING_LEFT: Outcome = { code: 'purged', text: 'The bucket had nothing of it any more.' };

interface FinishDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Removes the objects of a blob that were condemned, and ends the deletes that condemned them once all of theirs are gone. Nothing that is
 * named again is touched. Killed anywhere and called again it goes on: the rows that say what is left stay until the delete has ended.
 * A version that is not what was judged holds up no other; its delete does not end, and `ObjectDiffersError` is thrown at the end.
 */
export async function finishDeletion(deps: FinishDeps, digest: Digest): Promise<void> {
  const orphans = await condemned(deps.catalog, digest);
  const differing: Orphan[] = [];
  for (const orphan of orphans) if ((await removeObject(deps, orphan)) === 'differs') differing.push(orphan);
  for (const actionId of new Set(orphans.map((orphan) => orphan.actionId))) {
    if (differing.some((orphan) => orphan.actionId === actionId)) continue;
    const own = orphans.filter((orphan) => orphan.actionId === actionId);
    await settle(deps.catalog, `Deleted ${digest}`, () => endDelete(deps, own, actionId));
  }
  const [first] = differing;
  if (first !== undefined) throw new ObjectDiffersError({ digest, versionId: first.versionId, begun: first.actionId });
}

/** What is being deleted of a blob, or was within the last day. */
export async function condemned(catalog: CatalogStore, digest: Digest): Promise<readonly Orphan[]> {
  const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('ORPHAN#') });
  return items.map((item) => OrphanRow.parse(item).value).filter(({ state }) => state === 'deleting');
}

async function removeObject({ catalog, objects }: FinishDeps, orphan: Orphan): Promise<'gone' | 'differs'> {
  const { digest, object, versionId, etag, size } = orphan;
  const key = objectKey(digest, object);
  if (object === 'bytes' && (await isNamed(catalog, digest, versionId))) return 'differs';
  const found = await objects.head(key, versionId);
  if (found.outcome === 'absent') return 'gone';
  if (found.head.etag !== etag || found.head.size !== size) return 'differs';
  await objects.remove(key, versionId);
  return 'gone';
}

/** Of what no delete but a sweep has condemned only the rows are let go of. */
async function endDelete(
  { catalog, clock }: FinishDeps,
  removed: readonly Orphan[],
  actionId: ActionId | undefined,
): Promise<Decided<undefined>> {
  const now = clock.now();
  const expiresAt = EpochMs.parse(now + ANNOUNCED_MS);
  const action = actionId === undefined ? undefined : await ActionRow.get(catalog, actionId);
  const changes: Change[] = [];
  for (const { digest, object, versionId } of removed) {
    const row = await OrphanRow.get(catalog, digest, object, versionId);
    if (row === undefined || row.value.expiresAt <= expiresAt) continue;
    changes.push(OrphanRow.put({ ...row.value, expiresAt }, expectationOf(row)));
  }
  if (action !== undefined && isUnended(action.value)) {
    const { retryAt: _, ...rest } = action.value;
    const ended: Action = { ...rest, state: 'done', outcome: { at: now, ...REMOVED } };
    changes.push(ActionRow.put(ended, expectationOf(action)));
  }
  return { changes, answer: undefined };
}

/** A delete that has begun, also where it found what it may not delete. */
export function isUnended({ retryAt, state }: Action): boolean {
  return state === 'pending' || (state === 'failed' && retryAt !== undefined);
}

async function isNamed(catalog: CatalogStore, digest: Digest, versionId: string): Promise<boolean> {
  if ((await BlobRow.get(catalog, digest))?.value.origin.versionId === versionId) return true;
  return (await loadReplicas(catalog, digest)).some(({ value }) => value.versionId === versionId);
}

export function objectKey(digest: Digest, object: Orphan['object']): string {
  return (object === 'bytes' ? blobKey : manifestKey)(digest);
}
