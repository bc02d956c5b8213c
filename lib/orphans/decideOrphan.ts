import type { Orphan, OrphanObject } from '../catalog/index.ts';
import type { DurationMs, EpochMs } from '../shared/units.ts';

/** One version of an object under `blobs/`, as the bucket has it now. */
export interface JudgedVersion {
  readonly object: OrphanObject;
  readonly versionId: string;
  readonly etag: string;
  readonly size: number;
  readonly lastModified: EpochMs;
  /** Whether a read of the key answers this version. */
  readonly current: boolean;
}

export interface OrphanFacts {
  readonly version: JudgedVersion;
  /** The catalog's row of the blob: the version that it serves, and whether that lies whole in the bucket. */
  readonly blob: { readonly versionId: string; readonly whole: boolean } | undefined;
  /** Versions of the bytes that some copy's row names, of the origin or of a host, in any state. */
  readonly namedByReplicas: ReadonlySet<string>;
  /** Whether a published version refers to the digest. */
  readonly referenced: boolean;
  /** Whether the action that made this version is still pending. */
  readonly actionPending: boolean;
  readonly mark: Orphan | undefined;
  readonly now: EpochMs;
  readonly graceMs: DurationMs;
}

export type KeepReason =
  /** A row names it, or it is the manifest of a blob that a row names. */
  | 'named'
  /** Somebody may be about to name it. */
  | 'young'
  | 'in-flight'
  /** The catalog serves another version, which is not in the bucket: this one may be what repairs it. */
  | 'origin-missing'
  /** A published version refers to the digest although the blob's row is gone. */
  | 'referenced';

export type OrphanDecision =
  | { readonly action: 'keep'; readonly reason: KeepReason }
  | { readonly action: 'condemn'; readonly reason: 'unnamed' | 'changed' }
  | { readonly action: 'wait'; readonly reason: 'condemned' }
  | { readonly action: 'delete'; readonly reason: 'unnamed-for-long' };

export type OrphanReason = OrphanDecision['reason'];

/**
 * Whether nothing needs a version any more. It is deleted only when it has been there for the whole grace period, was found
 * unnamed once, and is found so again a whole grace period later, being the same bytes under the same version id.
 */
export function decideOrphan(facts: OrphanFacts): OrphanDecision {
  const { blob, graceMs, mark, now, version } = facts;
  const keep = (reason: KeepReason): OrphanDecision => ({ action: 'keep', reason });
  if (isNamed(facts)) return keep('named');
  // There is no way back: whoever announced the deletion may be about to carry it out.
  if (mark?.state === 'deleting') return { action: 'delete', reason: 'unnamed-for-long' };
  if (now - version.lastModified < graceMs) return keep('young');
  if (facts.actionPending) return keep('in-flight');
  if (blob !== undefined && !blob.whole) return keep('origin-missing');
  if (blob === undefined && facts.referenced) return keep('referenced');
  if (mark === undefined) return { action: 'condemn', reason: 'unnamed' };
  if (mark.etag !== version.etag || mark.size !== version.size) return { action: 'condemn', reason: 'changed' };
  if (now - mark.condemnedAt < graceMs) return { action: 'wait', reason: 'condemned' };
  return { action: 'delete', reason: 'unnamed-for-long' };
}

function isNamed({ blob, namedByReplicas, version }: OrphanFacts): boolean {
  if (version.object === 'manifest') return blob !== undefined && version.current;
  return version.versionId === blob?.versionId || namedByReplicas.has(version.versionId);
}

/** Fewer unnamed versions than this on a page are always believed. */
const BELIEVED = 100;

/** Whether so many of a page's versions would be condemned that a lost or older catalog is the likelier explanation. */
export function isImplausible(unnamed: number, versions: number): boolean {
  return unnamed >= BELIEVED && unnamed * 2 > versions;
}
