import {
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  type Orphan,
  type OrphanObject,
  OrphanRow,
  queryAll,
  ReplicaRow,
  settle,
  startingWith,
  storedBytes,
  type Versioned,
} from '../catalog/index.ts';
import { blobKey, manifestKey } from '../shared/digest.ts';
import { ActionId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectHead, ObjectStore } from '../shared/ports/objectStore.ts';
import { Bytes, DAY_MS, type DurationMs, EpochMs } from '../shared/units.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { ACTION_METADATA } from '../tiering/index.ts';
import { decideOrphan, type OrphanDecision, type OrphanFacts, type OrphanReason } from './decideOrphan.ts';

/** Longer than any grace, so that a condemnation is not forgotten before it is carried out. */
const REMEMBERED_MS = 400 * DAY_MS;
/** How long a deletion that was carried out is remembered: far longer than any function runs. */
const ANNOUNCED_MS = DAY_MS;

export interface JudgeDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly settings: { readonly orphanSweep: SweepMode; readonly orphanGraceMs: DurationMs };
}

/** A version under `blobs/` by what its key says. */
export interface FoundVersion {
  readonly digest: Digest;
  readonly object: OrphanObject;
  readonly versionId: string;
}

export type Judgement =
  | { readonly action: OrphanDecision['action']; readonly reason: OrphanReason; readonly bytes: number }
  /** It was deleted meanwhile. */
  | { readonly action: 'keep'; readonly reason: 'gone'; readonly bytes: 0 };

/**
 * Judges one version on fresh rows and does what follows. A deletion is announced before it begins, in a write that fails
 * when the blob's row has changed since: after it nobody names the version any more (`claimVersion`), so a killed deletion
 * is simply finished by the next sweep.
 */
export async function judgeVersion(deps: JudgeDeps, found: FoundVersion): Promise<Judgement> {
  const dryRun = deps.settings.orphanSweep !== 'on';
  const judged = await settle(deps.catalog, `Judging ${found.versionId}`, async () => {
    const decided = await judge(deps, found);
    return dryRun ? { ...decided, changes: [] } : decided;
  });
  if (judged.action === 'delete' && !dryRun) await remove(deps, found);
  return judged;
}

async function judge(deps: JudgeDeps, found: FoundVersion): Promise<Decided<Judgement>> {
  const { digest, object, versionId } = found;
  const key = keyOf(found);
  const mark = await OrphanRow.get(deps.catalog, digest, object, versionId);
  const answer = await deps.objects.head(key, versionId);
  if (answer.outcome === 'absent') {
    return { changes: spare(mark), answer: { action: 'keep', reason: 'gone', bytes: 0 } };
  }
  const { head } = answer;
  // The blob's row before the copies': a copy that names a version is written on the row that does.
  const blob = await BlobRow.get(deps.catalog, digest);
  const facts = await factsOf(deps, found, { head, blob: blob?.value, mark: mark?.value });
  const decision = decideOrphan(facts);
  const judgement = { ...decision, bytes: head.size };
  switch (decision.action) {
    case 'keep':
      return { changes: spare(mark), answer: judgement };
    case 'wait':
      return { changes: [], answer: judgement };
    case 'condemn':
    case 'delete': {
      if (decision.action === 'delete' && mark?.value.state === 'deleting') return { changes: [], answer: judgement };
      const state = decision.action === 'delete' ? ('deleting' as const) : ('condemned' as const);
      const condemnedAt = state === 'deleting' && mark !== undefined ? mark.value.condemnedAt : facts.now;
      const next: Orphan = {
        digest,
        object,
        versionId,
        state,
        etag: head.etag,
        size: Bytes.parse(head.size),
        condemnedAt,
        expiresAt: EpochMs.parse(facts.now + REMEMBERED_MS),
      };
      const unchanged: Change = { kind: 'check', key: BlobRow.key(digest), expect: expectationOf(blob) };
      return { changes: [OrphanRow.put(next, expectationOf(mark)), unchanged], answer: judgement };
    }
  }
}

interface Looked {
  readonly head: ObjectHead;
  readonly blob: Blob | undefined;
  readonly mark: Orphan | undefined;
}

async function factsOf(deps: JudgeDeps, found: FoundVersion, { head, blob, mark }: Looked): Promise<OrphanFacts> {
  const { catalog, objects, clock, settings } = deps;
  const partition = `BLOB#${found.digest}`;
  const replicas = await queryAll(catalog, { partition, ...startingWith('REPLICA#') });
  const references = await catalog.query({ partition, ...startingWith('REFERENCE#'), limit: 1 });
  const current = await objects.head(keyOf(found));
  const origin = blob === undefined ? undefined : await objects.head(blobKey(found.digest), blob.origin.versionId);
  const action = ActionId.safeParse(head.metadata[ACTION_METADATA]).data;
  const made = action === undefined ? undefined : await ActionRow.get(catalog, action);
  return {
    version: {
      object: found.object,
      versionId: found.versionId,
      etag: head.etag,
      size: head.size,
      lastModified: head.lastModified,
      current: current.outcome === 'found' && current.head.versionId === found.versionId,
    },
    blob:
      blob === undefined
        ? undefined
        : {
            versionId: blob.origin.versionId,
            whole: origin?.outcome === 'found' && origin.head.size === storedBytes(blob),
          },
    namedByReplicas: new Set(replicas.map((item) => ReplicaRow.parse(item).value.versionId)),
    referenced: references.items.length > 0,
    actionPending: made?.value.state === 'pending',
    mark,
    now: clock.now(),
    graceMs: settings.orphanGraceMs,
  };
}

/**
 * The announcement outlives the deletion: a publication that saw the version before it was announced may still be about to
 * name it, and is to find out.
 */
async function remove(deps: JudgeDeps, found: FoundVersion): Promise<void> {
  const { digest, object, versionId } = found;
  await deps.objects.remove(keyOf(found), versionId);
  await settle(deps.catalog, `Deleted ${versionId}`, async () => {
    const mark = await OrphanRow.get(deps.catalog, digest, object, versionId);
    const expiresAt = EpochMs.parse(deps.clock.now() + ANNOUNCED_MS);
    // The delete that it is part of ends with the last of its versions, and looks for them by their rows.
    const ours = mark !== undefined && mark.value.actionId === undefined;
    if (!ours || mark.value.expiresAt <= expiresAt) return { changes: [], answer: undefined };
    return { changes: [OrphanRow.put({ ...mark.value, expiresAt }, expectationOf(mark))], answer: undefined };
  });
}

/** Takes a condemnation back. The announcement of a deletion stays: it cannot be taken back. */
function spare(mark: Versioned<Orphan> | undefined): readonly Change[] {
  if (mark === undefined || mark.value.state === 'deleting') return [];
  const { digest, object, versionId } = mark.value;
  return [{ kind: 'delete', key: OrphanRow.key(digest, object, versionId), expect: { version: mark.version } }];
}

function keyOf({ digest, object }: FoundVersion): string {
  return object === 'bytes' ? blobKey(digest) : manifestKey(digest);
}
