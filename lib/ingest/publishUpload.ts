import {
  type Compressibility,
  type Decided,
  everPublished,
  expectationOf,
  type HeaderFindings,
  ReferenceRow,
  SetFileRow,
  type Upload,
  UploadRow,
  UploadSetRow,
  type Versioned,
  settle,
} from '../catalog/index.ts';
import type { PartHash } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { blobChanges } from './blobChanges.ts';
import { decidePublication } from './decidePublication.ts';
import type { FirstPlace, IngestDeps, PinnedUpload } from './deps.ts';
import { nextHop } from './digestHop.ts';
import { isStale } from './findings.ts';
import { step, uploadChanges } from './judgedRows.ts';
import { setGate } from './membership.ts';
import { lookPut, quarantineNotices } from './messages.ts';
import type { OriginOutcome } from './originCopy.ts';
import { fileRole } from './setRules.ts';
import { noteJudging } from './startRescan.ts';
import type { UploadTarget } from './uploadKey.ts';
import { versionChanges } from './versionChanges.ts';

const PUBLISH = step('publish-upload');
/** The functions of one release are deployed within so long: the one that judges is then of the same as this one. */
const JUDGED_AGAIN_AFTER_SECONDS = 120;

export interface Publication {
  readonly pinned: PinnedUpload;
  readonly digest: Digest;
  readonly hashes: readonly PartHash[];
  /** Where the bytes were found or put. */
  readonly origin: Extract<OriginOutcome, { outcome: 'kept' | 'placed' }>;
  /** Of what was put. */
  readonly first: FirstPlace;
  /** The version of the part manifest that was written or found. */
  readonly manifest: string;
  readonly compressibility: Compressibility;
}

export type PublicationOutcome =
  | { readonly outcome: 'settled' }
  | { readonly outcome: 'moved'; readonly upload: Upload; readonly published: boolean }
  /** The blob's row or objects are not what they were when they were looked after: look again. */
  | { readonly outcome: 'origin-unknown' };

/**
 * Moves a digested upload to its end in one transaction: ready with its blob, origin replica and reference, and either the
 * published version or its place in the set; or cancelled, when it is no longer the current version of its key; or
 * quarantined. An upload that is not digesting any more is left as it is.
 */
export async function publishUpload(deps: IngestDeps, publication: Publication): Promise<PublicationOutcome> {
  await noteJudging(deps);
  return settle(deps.catalog, 'The publication', () => decide(deps, publication));
}

async function decide(deps: IngestDeps, publication: Publication): Promise<Decided<PublicationOutcome>> {
  const { pinned, digest, compressibility } = publication;
  const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
  const { target, findings } = row?.value ?? {};
  if (row?.value.state !== 'digesting' || target === undefined || findings === undefined) {
    return { changes: [], answer: { outcome: 'settled' } };
  }
  const now = deps.clock.now();
  const upload = row.value;
  const move = async (
    ending: Partial<Upload>,
    changes: readonly Change[] = [],
    published = false,
  ): Promise<Decided<PublicationOutcome>> => {
    const moved: Upload = { ...upload, digest, deniedSince: undefined, movedAt: now, ...ending };
    const put = await uploadChanges(deps.catalog, row, moved, PUBLISH, now);
    return {
      changes: [...put, ...changes, ...quarantineNotices(moved, now)],
      answer: { outcome: 'moved', upload: moved, published },
    };
  };
  if (isStale(deps, findings)) return judgeAgain(deps, row, now);
  const version = await everPublished(deps.catalog, target.model, target.version);
  const gate =
    upload.set === undefined
      ? undefined
      : await UploadSetRow.get(deps.catalog, target.model, target.version, upload.set);
  const decision = decidePublication({ upload, digest, version, set: gate?.value });
  if (decision.action === 'quarantine') return move({ state: 'quarantined', quarantine: decision.quarantine });
  if (decision.action === 'unchanged') return move({ state: 'ready', compressibility });
  const { correlationId, size } = upload;
  const blob = await blobChanges(deps, { ...publication, findings, size, refers: true, correlationId }, now);
  if (blob === undefined) return { changes: [], answer: { outcome: 'origin-unknown' } };
  const reference = await ReferenceRow.get(deps.catalog, digest, target.model, target.version);
  const changes = [
    ...blob,
    // Written even where it is there, so that nobody takes it away as unneeded at the same moment.
    ReferenceRow.put({ digest, model: target.model, version: target.version }, expectationOf(reference)),
    ...(decision.action === 'publish-version'
      ? await oneFileVersion(deps, { upload, target, digest, findings }, now)
      : await joinSet(deps, { upload, target, digest, findings, gate })),
  ];
  if (!(await isCurrent(deps, pinned))) return move({ state: 'cancelled' });
  return move({ state: 'ready', compressibility }, changes, decision.action === 'publish-version');
}

/**
 * The rules or the policy changed since its verdict: nothing is published by any but those of today. Its judgement begins anew, and
 * each time is a hop of its digest, so that releases which never agree do not go on for ever.
 */
async function judgeAgain(
  deps: IngestDeps,
  row: Versioned<Upload>,
  now: EpochMs,
): Promise<Decided<PublicationOutcome>> {
  const {
    findings: _findings,
    digest: _digest,
    scan: _scan,
    scans: _scans,
    scanCountedAt: _at,
    deniedSince: _since,
    ...rest
  } = row.value;
  const moved: Upload = { ...rest, state: 'observed', movedAt: now, ...nextHop(row.value) };
  const followUp =
    moved.state === 'observed'
      ? [lookPut(moved, now, { delaySeconds: JUDGED_AGAIN_AFTER_SECONDS })]
      : quarantineNotices(moved, now);
  const changes = [...(await uploadChanges(deps.catalog, row, moved, PUBLISH, now)), ...followUp];
  return { changes, answer: { outcome: 'moved', upload: moved, published: false } };
}

/** Asked of the bucket last of all: deleting or replacing an upload before this moment cancels it, afterwards it changes nothing. */
async function isCurrent({ objects }: IngestDeps, { key, versionId }: PinnedUpload): Promise<boolean> {
  const answer = await objects.head(key);
  return answer.outcome === 'found' && answer.head.versionId === versionId;
}

interface Digested {
  readonly upload: Upload;
  readonly target: UploadTarget;
  readonly digest: Digest;
  readonly findings: HeaderFindings;
}

async function oneFileVersion(
  deps: IngestDeps,
  { upload, target, digest, findings }: Digested,
  now: EpochMs,
): Promise<readonly Change[]> {
  const { model, version, file } = target;
  const files = [{ file, role: fileRole(file), kind: findings.kind, digest, size: upload.size }];
  const { correlationId } = upload;
  const publication = { model, version, files, publishedAt: now, correlationId, deprecated: false };
  return versionChanges(deps.catalog, publication, now);
}

async function joinSet(
  deps: IngestDeps,
  {
    upload,
    target,
    digest,
    findings,
    gate,
  }: Digested & { readonly gate: Awaited<ReturnType<typeof UploadSetRow.get>> },
): Promise<readonly Change[]> {
  const { set, size, versionId } = upload;
  if (set === undefined) return [];
  const member = await SetFileRow.get(deps.catalog, target.model, target.version, set, target.file);
  return [
    SetFileRow.put({ ...target, set, versionId, digest, size, kind: findings.kind }, expectationOf(member)),
    setGate(gate, target, set),
  ];
}
