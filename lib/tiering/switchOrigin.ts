import type { RescanBlob } from '../../events/rescan/v1.ts';
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
  type Restore,
  RestoreRow,
  type Versioned,
} from '../catalog/index.ts';
import { endDecisions } from '../restores/index.ts';
import { type OriginEncoding, originLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectHead } from '../shared/ports/objectStore.ts';
import { Bytes, type EpochMs } from '../shared/units.ts';
import { TIER_OF } from './decideTransition.ts';
import { GRACE_SECONDS } from './oldOrigin.ts';
import { movedRisk } from './riskBook.ts';

interface SwitchDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly settings: { readonly region: string };
}

/** What the origin is to be in: as it is, where the message does not say. */
export function targetEncoding({ encoding }: TransitionReplica, { origin }: Blob): OriginEncoding {
  return encoding ?? originEncoding(origin);
}

/** The write that makes the verified copy the origin, ends the action and has the old copy deleted later; or why it may not. */
export async function decideSwitch(
  deps: SwitchDeps,
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
  const stays = message.to === origin.storageClass;
  const bytes = Bytes.parse(copy.size);
  const written = { location, storageClass: message.to, versionId: copy.versionId, billedSince: copy.lastModified };
  const switched: Blob = {
    ...blob.value,
    ...(encoding === 'identity' ? { origin: written } : packedOrigin(written, { encoding, bytes }, blob.value)),
    // Only what changes its class moves between tiers.
    ...(stays ? {} : { tier: TIER_OF[message.to], previousTier: tier, transitionedAt: now }),
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
    ...(stays ? [] : await movedRisk(deps.catalog, message.digest, message.to, now)),
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
  if (restore !== undefined && awaited) changes.push(...(await endRestore(deps, message, restore, now)));
  return { changes, answer: 'switched' };
}

/** The restore that was waited for is over with the switch. */
async function endRestore(
  deps: SwitchDeps,
  message: TransitionReplica,
  restore: Versioned<Restore>,
  now: EpochMs,
): Promise<readonly Change[]> {
  // An earlier restore's copy was finished after all, when it had been asked for once more.
  const text = 'Its bytes were copied after an earlier restore.';
  const ended = { state: 'done', at: now, code: 'restored', text } as const;
  // Archived bytes could not be read when rules changed: what comes back is judged again before it is served.
  const { correlationId, digest } = message;
  // Then hosts get what they want of it: it could not be fetched before.
  const judge = { schema: 'rescan-blob/1', rescanId: message.actionId, digest, hop: 0, correlationId } as const;
  const body: RescanBlob = { ...judge, place: true };
  return [
    { kind: 'delete', key: RestoreRow.key(digest), expect: { version: restore.version } },
    ...(await endDecisions(deps.catalog, restore.value, ended)),
    outboxPut({ id: `${message.actionId}-rescan`, queue: 'rescan', body }, now),
  ];
}

type Origin = Pick<Blob, 'origin' | 'compressibility'>;

/** What was packed is known to the byte, and no estimate any more. */
function packedOrigin(written: Blob['origin'], packed: NonNullable<Blob['origin']['packed']>, { size }: Blob): Origin {
  const compressibility = { encoding: packed.encoding, ratio: packed.bytes / size, sampledBytes: size };
  return { origin: { ...written, packed }, compressibility };
}
