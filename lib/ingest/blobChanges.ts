import type { RescanBlob } from '../../events/rescan/v1.ts';
import type { Actor } from '../audit/index.ts';
import {
  ActionRow,
  type Blob,
  BlobRow,
  claimVersion,
  type Compressibility,
  expectationOf,
  type HeaderFindings,
  isAdmitted,
  outboxPut,
  ReplicaRow,
  type Versioned,
} from '../catalog/index.ts';
import type { PartHash } from '../shared/digest.ts';
import { ActionId, CorrelationId, type Digest, originLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { Bytes, type EpochMs } from '../shared/units.ts';
import type { FirstPlace, IngestDeps } from './deps.ts';
import { judgedBlobChanges, step } from './judgedRows.ts';
import type { OriginOutcome } from './originCopy.ts';

export interface FoundBlob {
  readonly digest: Digest;
  readonly hashes: readonly PartHash[];
  /** Where the bytes were found or put. */
  readonly origin: Extract<OriginOutcome, { outcome: 'kept' | 'placed' }>;
  /** Of what was put. */
  readonly first: FirstPlace;
  /** The version of the part manifest that was written or found. */
  readonly manifest: string;
  readonly findings: HeaderFindings;
  /** Absent for a blob that was stored before it was measured. */
  readonly compressibility?: Compressibility | undefined;
  readonly size: number;
  readonly correlationId: CorrelationId;
  /** Whether a version refers to the blob in the same write. Without, a row that is gone was purged, and stays gone. */
  readonly refers: boolean;
}

/** The blob's row and its origin replica; undefined where what vouched for the objects is gone, or the objects are being swept. */
export async function blobChanges(
  deps: Pick<IngestDeps, 'catalog' | 'settings'>,
  {
    digest,
    hashes,
    origin,
    first,
    manifest,
    findings: judged,
    compressibility,
    size,
    refers,
    correlationId,
  }: FoundBlob,
  now: EpochMs,
): Promise<readonly Change[] | undefined> {
  const row = await BlobRow.get(deps.catalog, digest);
  // A repair brings bytes back and judges nothing: the row's own verdict may be a newer one.
  const findings = refers ? judged : (row?.value.findings ?? judged);
  const cause = { by: step(refers ? 'publish-upload' : 'repair-blobs'), correlationId };
  // A row that names another object than the lost one was written by somebody who verified that object.
  if (row !== undefined && (origin.outcome === 'kept' || row.value.origin.versionId !== origin.lost)) {
    return keepBlob(deps.catalog, { row, findings, compressibility, refers, cause }, now);
  }
  if (origin.outcome === 'kept' || (row === undefined && !refers)) return undefined;
  const { versionId } = origin;
  const claims = [
    await claimVersion(deps.catalog, digest, 'bytes', versionId),
    await claimVersion(deps.catalog, digest, 'manifest', manifest),
  ].filter((claim) => claim !== undefined);
  if (claims.length < 2) return undefined;
  const location = originLocation(deps.settings.region, first.storageClass);
  const [sha256] = hashes;
  const blob: Blob = {
    digest,
    size: Bytes.parse(size),
    partSize: Bytes.parse(deps.settings.partSize),
    ...(hashes.length === 1 && sha256 !== undefined ? { sha256 } : {}),
    findings,
    ...(compressibility === undefined ? {} : { compressibility }),
    createdAt: row?.value.createdAt ?? now,
    origin: { location, storageClass: first.storageClass, versionId, billedSince: now },
    tier: first.tier,
    ...(refers || row?.value.unreferencedAt === undefined ? {} : { unreferencedAt: row.value.unreferencedAt }),
  };
  const replica = await ReplicaRow.get(deps.catalog, digest, location);
  const changes: Change[] = [
    ...claims,
    ...(await judgedBlobChanges(deps.catalog, row, blob, cause, now)),
    ReplicaRow.put(
      { digest, location, state: 'verified', bytes: blob.size, versionId, pinned: false, checkedAt: now },
      expectationOf(replica),
    ),
    ...receiptOf(first, digest, correlationId, now),
  ];
  const before = row?.value.origin.location;
  const lost =
    before === undefined || before === location ? undefined : await ReplicaRow.get(deps.catalog, digest, before);
  if (before !== undefined && lost !== undefined) {
    changes.push({ kind: 'delete', key: ReplicaRow.key(digest, before), expect: { version: lost.version } });
  }
  return changes;
}

function receiptOf(
  { receipt }: FirstPlace,
  digest: Digest,
  correlationId: CorrelationId,
  now: EpochMs,
): readonly Change[] {
  if (receipt === undefined) return [];
  const outcome = { at: now, code: 'published', text: 'Its bytes were verified there before anybody could read them.' };
  const actionId = ActionId.parse(`place-${now}-${digest}`);
  const ended = { state: 'done' as const, outcome, expiresAt: now, correlationId };
  return [ActionRow.put({ actionId, type: 'place', digest, ...receipt, ...ended }, 'absent')];
}

interface KeptBlob {
  readonly row: Versioned<Blob>;
  readonly findings: HeaderFindings;
  readonly compressibility: Compressibility | undefined;
  readonly refers: boolean;
  readonly cause: { readonly by: Actor; readonly correlationId: CorrelationId };
}

/**
 * The row stays; a verdict of other rules or another policy, or one that an operator has overridden, replaces the older one. An override
 * stands for the rules that it was given under, whatever the policy. It is written even unchanged: its origin must still be the same,
 * and a purge that has counted the blob's references must not overlook the one that comes with this write.
 */
async function keepBlob(
  catalog: CatalogStore,
  { row, findings, compressibility, refers, cause }: KeptBlob,
  now: EpochMs,
): Promise<readonly Change[]> {
  const { unreferencedAt, ...needed } = row.value;
  const { digest, findings: before } = needed;
  const measured = row.value.compressibility ?? compressibility;
  const kept: Blob = {
    ...(refers || unreferencedAt === undefined ? needed : row.value),
    ...(measured === undefined ? {} : { compressibility: measured }),
  };
  const overriddenBefore = before.admission?.reason === 'overridden';
  const overridden = findings.admission?.reason === 'overridden' && !overriddenBefore;
  const stands = before.rules === findings.rules && (before.policy === findings.policy || overriddenBefore);
  const judged = stands && !overridden ? kept : { ...kept, findings };
  const put = await judgedBlobChanges(catalog, row, judged, cause, now);
  if (isAdmitted(before) === isAdmitted(judged.findings)) return put;
  // Older versions that need the bytes stand by the older verdict: they are brought in line as after any change of rules.
  const rescanId = `published-${digest.slice(0, 16)}.${row.version}`;
  const correlationId = CorrelationId.parse(rescanId);
  const body: RescanBlob = { schema: 'rescan-blob/1', rescanId, digest, hop: 0, correlationId };
  return [...put, outboxPut({ id: rescanId, queue: 'rescan', body }, now)];
}
