import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { BlobRow, ReplicaRow, sendOnce, settle, storedBytes } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { TieringError } from './errors.ts';
import { loadReplicas } from './loadReplicas.ts';

interface OldOriginDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** How long an old copy outlives the switch at least: a host that was told of it may still begin to read it. */
export const GRACE_SECONDS = 900;
/** Two days of waiting for readers, each of whom the plane gives up after hours. */
const MOST_HOPS = 192;

/** Deletes what the switch left behind, after one more look at the origin in the bucket itself. */
export async function deleteOldOrigin(
  deps: OldOriginDeps,
  message: TransitionReplica,
): Promise<'delete-old' | 'finished'> {
  const blob = await BlobRow.get(deps.catalog, message.digest);
  const { versionId } = message.from;
  if (blob === undefined || blob.value.origin.versionId === versionId) return 'finished';
  const key = blobKey(message.digest);
  const origin = await deps.objects.head(key, blob.value.origin.versionId);
  if (origin.outcome === 'absent' || origin.head.size !== storedBytes(blob.value)) throw originMissing(message);
  await deps.objects.remove(key, versionId);
  await settle(deps.catalog, `Forgetting ${versionId}`, async () => {
    const rows = await loadReplicas(deps.catalog, message.digest);
    const left = rows.find(({ value }) => value.host === undefined && value.versionId === versionId);
    if (left?.value.state !== 'evicting') return { changes: [], answer: undefined };
    const deletion: Change = {
      kind: 'delete',
      key: ReplicaRow.key(message.digest, left.value.location),
      expect: { version: left.version },
    };
    return { changes: [deletion], answer: undefined };
  });
  return 'delete-old';
}

/** Looks again later, for as long as somebody may read the old copy. Throws `TieringError` `still-pinned`. */
export async function comeAgain(deps: OldOriginDeps, message: TransitionReplica): Promise<void> {
  if (message.hop >= MOST_HOPS) {
    throw new TieringError({
      code: 'still-pinned',
      message: `The old version ${message.from.versionId} of ${message.digest} stayed for two days: readers have pinned it (see \`strata explain\`), or \`tierSweep\` is not on. Redrive this message when neither holds.`,
      retryable: false,
    });
  }
  const hop = message.hop + 1;
  await sendOnce(
    deps,
    { scope: 'transition', id: `${message.actionId} ${hop}` },
    { queue: 'transition', body: { ...message, hop }, delaySeconds: GRACE_SECONDS },
  );
}

export function originMissing(message: TransitionReplica): TieringError {
  return new TieringError({
    code: 'origin-missing',
    message: `The origin of ${message.digest} is not in the bucket as the catalog has it; nothing was deleted. Run \`strata doctor\`.`,
    retryable: false,
  });
}
