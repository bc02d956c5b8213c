import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { ActionRow, type Blob, BlobRow, originEncoding, sendOnce, settle } from '../catalog/index.ts';
import { abandonOwnCopy } from '../copying/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { copyOrigin, findCopy } from './copyOrigin.ts';
import { decideTransition, type TransitionReason, type TransitionStep } from './decideTransition.ts';
import { failTransition } from './failTransition.ts';
import { loadReplicas } from './loadReplicas.ts';
import { comeAgain, deleteOldOrigin } from './oldOrigin.ts';
import { rewriteOrigin, type RewriteOutcome } from './rewriteOrigin.ts';
import { decideSwitch, targetEncoding } from './switchOrigin.ts';

export interface TransitionDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly settings: { readonly region: string; readonly tierSweep: SweepMode; readonly tierPacking: SweepMode };
}

export type TransitionAnswer =
  | TransitionReason
  /** The copy takes longer than one call. */
  | 'copying'
  | Exclude<TransitionStep, 'move' | 'refuse' | 'refuse-packing'>;

/**
 * Moves the origin copy of a blob to another class: copy → verify → switch the catalog by a conditional write → delete the old copy
 * later, when nothing reads it. Killed anywhere and delivered again it goes on; twice at once, one switch wins and the other takes
 * its copy away. The last verified copy is never deleted: the old one goes only after the new one was seen in the bucket.
 */
export async function transitionReplica(
  deps: TransitionDeps,
  message: TransitionReplica,
  remainingMs: () => number,
): Promise<TransitionAnswer> {
  const answer = await takeStep(deps, message, remainingMs);
  deps.telemetry.metric('TransitionStep', 'Count', 1, { reason: answer });
  deps.telemetry.info('transition step', {
    reason: answer,
    digest: message.digest,
    from: message.from.storageClass,
    to: message.to,
    action: message.actionId,
  });
  return answer;
}

async function takeStep(
  deps: TransitionDeps,
  message: TransitionReplica,
  remainingMs: () => number,
): Promise<TransitionAnswer> {
  const action = await ActionRow.get(deps.catalog, message.actionId);
  const blob = await BlobRow.get(deps.catalog, message.digest);
  const replicas = await loadReplicas(deps.catalog, message.digest);
  const facts = {
    message,
    action: action?.value,
    blob: blob?.value,
    replicas: replicas.map((row) => row.value),
    mode: deps.settings.tierSweep,
    packing: deps.settings.tierPacking,
  };
  const step = decideTransition(facts);
  switch (step) {
    case 'move':
      return blob === undefined ? 'finished' : move(deps, message, blob.value, remainingMs);
    case 'delete-old':
      return deleteOldOrigin(deps, message);
    case 'wait':
      await comeAgain(deps, message);
      return step;
    case 'refuse':
      await failTransition(deps, message, 'switched-off');
      return 'switched-off';
    case 'refuse-packing':
      await failTransition(deps, message, 'packing-switched-off');
      await discardCopy(deps, message);
      return 'packing-switched-off';
    case 'give-up': {
      const reason = blob === undefined ? 'blob-purged' : 'origin-moved';
      await failTransition(deps, message, reason);
      if (deps.settings.tierSweep === 'on') await discardCopy(deps, message);
      return reason;
    }
    case 'discard-copy':
      await discardCopy(deps, message);
      return step;
    case 'finished':
      return step;
  }
}

async function move(
  deps: TransitionDeps,
  message: TransitionReplica,
  blob: Blob,
  remainingMs: () => number,
): Promise<TransitionReason | 'copying'> {
  const copied = await copyOrRewrite(deps, message, blob, remainingMs);
  if (copied.outcome === 'unfinished') {
    await goOnCopying(deps, message);
    return 'copying';
  }
  if (copied.outcome === 'failed') {
    await failTransition(deps, message, copied.reason, copied.reason === 'hardly-smaller' ? copied : undefined);
    if (copied.reason === 'copy-differs') await removeCopy(deps, message, copied.versionId);
    await abandonOwnCopy(deps, message.digest, message.actionId);
    return copied.reason;
  }
  const reason = await settle(deps.catalog, `Switching ${message.digest}`, () =>
    decideSwitch(deps, message, copied.head, copied.text),
  );
  if (reason === 'switched') return reason;
  await failTransition(deps, message, reason);
  await removeCopy(deps, message, copied.head.versionId);
  await abandonOwnCopy(deps, message.digest, message.actionId);
  return reason;
}

function copyOrRewrite(
  deps: TransitionDeps,
  message: TransitionReplica,
  blob: Blob,
  remainingMs: () => number,
): Promise<RewriteOutcome> {
  const encoding = targetEncoding(message, blob);
  return encoding === originEncoding(blob.origin)
    ? copyOrigin(deps, message, blob, remainingMs)
    : rewriteOrigin(deps, message, blob, encoding, remainingMs);
}

/** The next call goes on with the copy; once the action has expired, it takes it away. */
async function goOnCopying(deps: TransitionDeps, message: TransitionReplica): Promise<void> {
  const calls = (message.calls ?? 0) + 1;
  await sendOnce(
    deps,
    { scope: 'transition', id: `${message.actionId} copy ${calls}` },
    { queue: 'transition', body: { ...message, calls } },
  );
}

/** A try that was killed after its copy, and whose action ended meanwhile, must not leave bytes that are paid for. */
async function discardCopy(deps: TransitionDeps, message: TransitionReplica): Promise<void> {
  await abandonOwnCopy(deps, message.digest, message.actionId);
  const own = await findCopy(deps.objects, message);
  if (own !== undefined) await removeCopy(deps, message, own.versionId);
}

/**
 * Removes a copy that this action has made and that nothing in the catalog names. Only after the action has ended: until then
 * another delivery of the same message may still find the copy and switch to it.
 */
async function removeCopy(deps: TransitionDeps, message: TransitionReplica, versionId: string): Promise<void> {
  const replicas = await loadReplicas(deps.catalog, message.digest);
  const blob = await BlobRow.get(deps.catalog, message.digest);
  const named = replicas.some(({ value }) => value.versionId === versionId);
  if (!named && blob?.value.origin.versionId !== versionId) {
    await deps.objects.remove(blobKey(message.digest), versionId);
  }
}
