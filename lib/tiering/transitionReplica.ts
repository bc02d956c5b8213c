import type { RescanBlob } from '../../events/rescan/v1.ts';
import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  CopyRow,
  type Decided,
  expectationOf,
  originEncoding,
  outboxPut,
  type Replica,
  ReplicaRow,
  RestoreRow,
  sendOnce,
  settle,
} from '../catalog/index.ts';
import { abandonOwnCopy } from '../copying/index.ts';
import { endDecisions } from '../restores/index.ts';
import { blobKey } from '../shared/digest.ts';
import { type OriginEncoding, originLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectHead, ObjectStore } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { Bytes } from '../shared/units.ts';
import { copyOrigin, findCopy } from './copyOrigin.ts';
import { rewriteOrigin, type RewriteOutcome } from './rewriteOrigin.ts';
import type { HardlySmaller } from './originParts.ts';
import { decideTransition, TIER_OF, type TransitionReason, type TransitionStep } from './decideTransition.ts';
import { loadReplicas } from './loadReplicas.ts';
import { comeAgain, deleteOldOrigin, GRACE_SECONDS, originMissing } from './oldOrigin.ts';

export interface TransitionDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly settings: { readonly region: string; readonly tierSweep: SweepMode };
}

export type TransitionAnswer =
  | TransitionReason
  /** The copy takes longer than one call. */
  | 'copying'
  | Exclude<TransitionStep, 'move' | 'refuse'>;

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
      await fail(deps, message, 'switched-off');
      return 'switched-off';
    case 'give-up': {
      const reason = blob === undefined ? 'blob-purged' : 'origin-moved';
      await fail(deps, message, reason);
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
    await fail(deps, message, copied.reason, copied.reason === 'hardly-smaller' ? copied : undefined);
    if (copied.reason === 'copy-differs') await removeCopy(deps, message, copied.versionId);
    await abandonOwnCopy(deps, message.digest, message.actionId);
    return copied.reason;
  }
  const reason = await settle(deps.catalog, `Switching ${message.digest}`, () =>
    decideSwitch(deps, message, copied.head, copied.text),
  );
  if (reason === 'switched') return reason;
  await fail(deps, message, reason);
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

function targetEncoding({ encoding }: TransitionReplica, { origin }: Blob): OriginEncoding {
  return encoding ?? originEncoding(origin);
}

async function decideSwitch(
  deps: TransitionDeps,
  message: TransitionReplica,
  copy: ObjectHead,
  text: string,
): Promise<Decided<'switched' | 'origin-moved' | 'target-occupied'>> {
  // In this order: an action that has ended switches nothing any more, so the blob that is read after it is final.
  const action = await ActionRow.get(deps.catalog, message.actionId);
  const blob = await BlobRow.get(deps.catalog, message.digest);
  if (blob?.value.origin.versionId === copy.versionId) return { changes: [], answer: 'switched' };
  const pending = action?.value.state === 'pending';
  if (
    blob === undefined ||
    action === undefined ||
    !pending ||
    blob.value.origin.versionId !== message.from.versionId
  ) {
    return { changes: [], answer: 'origin-moved' };
  }
  const encoding = targetEncoding(message, blob.value);
  const location = originLocation(deps.settings.region, message.to, encoding);
  if ((await ReplicaRow.get(deps.catalog, message.digest, location)) !== undefined) {
    return { changes: [], answer: 'target-occupied' };
  }
  const restore = await RestoreRow.get(deps.catalog, message.digest);
  const awaited = restore?.value.versionId === message.from.versionId;
  // A reader was told when it is ready, after this move was decided.
  if (awaited && (TIER_OF[message.to] === 'archive' || encoding !== 'identity')) {
    return { changes: [], answer: 'origin-moved' };
  }
  const now = deps.clock.now();
  const { tier, origin } = blob.value;
  const bytes = Bytes.parse(copy.size);
  const written = { location, storageClass: message.to, versionId: copy.versionId, billedSince: copy.lastModified };
  const switched: Blob = {
    ...blob.value,
    ...(encoding === 'identity' ? { origin: written } : packedOrigin(written, { encoding, bytes }, blob.value)),
    // Only what changes its class moves between tiers.
    ...(message.to === origin.storageClass
      ? {}
      : { tier: TIER_OF[message.to], previousTier: tier, transitionedAt: now }),
  };
  const verified: Replica = {
    digest: message.digest,
    location,
    state: 'verified',
    bytes,
    versionId: copy.versionId,
    actionId: message.actionId,
    pinned: false,
    checkedAt: now,
  };
  const old = await ReplicaRow.get(deps.catalog, message.digest, origin.location);
  const ended: Action = { ...action.value, state: 'done', outcome: { at: now, code: 'switched', text } };
  const cleanUp = { ...message, hop: message.hop + 1 };
  const changes: Change[] = [
    BlobRow.put(switched, expectationOf(blob)),
    ReplicaRow.put(verified, 'absent'),
    ActionRow.put(ended, expectationOf(action)),
    outboxPut(
      { id: `${message.actionId}-delete`, queue: 'transition', body: cleanUp, delaySeconds: GRACE_SECONDS },
      now,
    ),
  ];
  if (old !== undefined) changes.push(ReplicaRow.put({ ...old.value, state: 'evicting' }, expectationOf(old)));
  const writing = await CopyRow.get(deps.catalog, message.digest, message.actionId);
  if (writing !== undefined) {
    const key = CopyRow.key(message.digest, message.actionId);
    changes.push({ kind: 'delete', key, expect: { version: writing.version } });
  }
  if (restore !== undefined && awaited) {
    changes.push({ kind: 'delete', key: RestoreRow.key(message.digest), expect: { version: restore.version } });
    // An earlier restore's copy was finished after all, when it had been asked for once more.
    const text = 'Its bytes were copied after an earlier restore.';
    changes.push(
      ...(await endDecisions(deps.catalog, restore.value, { state: 'done', at: now, code: 'restored', text })),
    );
    // Archived bytes could not be read when rules changed: what comes back is judged again before it is served.
    const { correlationId, digest } = message;
    const body: RescanBlob = { schema: 'rescan-blob/1', rescanId: message.actionId, digest, hop: 0, correlationId };
    changes.push(outboxPut({ id: `${message.actionId}-rescan`, queue: 'rescan', body }, now));
  }
  return { changes, answer: 'switched' };
}

type Origin = Pick<Blob, 'origin' | 'compressibility'>;

/** What was packed is known to the byte, and no estimate any more. */
function packedOrigin(written: Blob['origin'], packed: NonNullable<Blob['origin']['packed']>, { size }: Blob): Origin {
  const compressibility = { encoding: packed.encoding, ratio: packed.bytes / size, sampledBytes: size };
  return { origin: { ...written, packed }, compressibility };
}

/**
 * Ends the action without a change of the origin; what it names as its reason stands in its outcome. What was packed in vain is remembered
 * in the place of the estimate, so that it is not tried again.
 */
async function fail(
  deps: TransitionDeps,
  message: TransitionReplica,
  reason: Exclude<TransitionReason, 'switched'>,
  measured?: HardlySmaller,
): Promise<void> {
  if (reason === 'source-absent' || reason === 'source-differs') {
    deps.telemetry.error('origin missing', originMissing(message), { digest: message.digest });
  }
  await settle(deps.catalog, `Ending ${message.actionId}`, async () => {
    const action = await ActionRow.get(deps.catalog, message.actionId);
    if (action?.value.state !== 'pending') return { changes: [], answer: undefined };
    const outcome = { at: deps.clock.now(), code: reason, text: FAILURES[reason] };
    const ended = ActionRow.put({ ...action.value, state: 'failed', outcome }, expectationOf(action));
    const noted = measured === undefined ? [] : await noteRatio(deps, message, measured);
    return { changes: [ended, ...noted, ...(await pokeRestore(deps, message))], answer: undefined };
  });
}

async function noteRatio(
  deps: TransitionDeps,
  { digest }: TransitionReplica,
  { ratio, sampledBytes }: HardlySmaller,
): Promise<readonly Change[]> {
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return [];
  const compressibility = { encoding: 'byteplane-zstd-1' as const, ratio, sampledBytes: Bytes.parse(sampledBytes) };
  return [BlobRow.put({ ...blob.value, compressibility }, expectationOf(blob))];
}

/** A restored copy that was to be copied may have expired: whoever looks after the restore finds out. */
async function pokeRestore(deps: TransitionDeps, message: TransitionReplica): Promise<readonly Change[]> {
  const restore = await RestoreRow.get(deps.catalog, message.digest);
  if (restore?.value.versionId !== message.from.versionId) return [];
  const { actionId, digest, versionId, correlationId } = restore.value;
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return [outboxPut({ id: `${message.actionId}-failed`, queue: 'restore', body }, deps.clock.now())];
}

const FAILURES: Readonly<Record<Exclude<TransitionReason, 'switched'>, string>> = {
  'origin-moved': 'Another change of the blob was faster; the copy was removed.',
  'blob-purged': 'Its last version was deleted, and its undo window is over.',
  'switched-off': 'Transitions are switched off (`tierSweep`); nothing was changed.',
  'source-archived': 'The object is archived and has no restored copy: a restore must come first.',
  'source-absent': 'The version that the catalog names is not in the bucket. Run `strata doctor`.',
  'source-differs':
    'The bytes of the origin are not those that its digest names; nothing was changed. Run `strata doctor`.',
  'hardly-smaller': 'Packed it would not be so much smaller as was asked for; it stays as it is.',
  'copy-differs': 'What was copied was not of the right size, class or content; it was removed.',
  'target-occupied': 'The copy of an earlier transition still lies in the new class; the next sweep decides anew.',
};

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
