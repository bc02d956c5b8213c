import { type ResolvedModel, ResolveModel } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { resolveVersion } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { openReport } from './hostReports.ts';
import { loadServable, type ServableVersion } from './servable.ts';
import { isFresh, type SessionRefusal } from './sessions.ts';

export interface ResolveDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export type ResolveRefusal =
  | SessionRefusal
  | 'unknown-model'
  | 'unknown-version'
  /** A file of it has no clean verdict by the rules of today. */
  | 'not-servable'
  /** A file of it lies in a class that must be restored before it can be read. */
  | 'archived';

export type ResolveAnswer =
  | { readonly outcome: 'resolved'; readonly model: ResolvedModel }
  | { readonly outcome: 'refused'; readonly reason: ResolveRefusal };

const ARCHIVED: ReadonlySet<StorageClass> = new Set<StorageClass>(['GLACIER', 'DEEP_ARCHIVE']);

/**
 * Tells a registered host which pinned objects a model reference means now. The gate is the same as for commands: nothing that is
 * not clean gets a location. The answer pins nothing; an old origin outlives a switch long enough for a fetch to begin, and a host
 * that comes later asks again.
 */
export async function resolveModel(deps: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const answer = await decideAnswer(deps, envelope);
  const reason = answer.outcome === 'refused' ? answer.reason : answer.outcome;
  deps.telemetry.metric('ModelResolved', 'Count', 1, { reason });
  return answer;
}

async function decideAnswer({ catalog, clock }: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const refuse = (reason: ResolveRefusal): ResolveAnswer => ({ outcome: 'refused', reason });
  const opened = await openReport(catalog, envelope, ResolveModel);
  if (opened.outcome === 'stale') return refuse(opened.reason);
  if (!isFresh(opened.report.at, clock.now())) return refuse('not-fresh');
  if (opened.host.value.state === 'retired') return refuse('retired');
  const { model, reference } = opened.report;
  const found = await resolveVersion(catalog, model, reference);
  if (found.outcome !== 'found') return refuse(found.outcome);
  const servable = await loadServable(catalog, model, found.version.version);
  if (servable.outcome === 'refused') return refuse('not-servable');
  const archived = [...servable.blobs.values()].some(({ value }) => ARCHIVED.has(value.origin.storageClass));
  return archived ? refuse('archived') : { outcome: 'resolved', model: resolved(servable) };
}

function resolved({ version, blobs }: ServableVersion): ResolvedModel {
  return {
    model: version.model,
    version: version.version,
    publishedAt: version.publishedAt,
    files: version.files.flatMap(({ file, role, kind, digest }) => {
      const blob = blobs.get(digest)?.value;
      if (blob === undefined) return [];
      const origin = { key: blobKey(digest), versionId: blob.origin.versionId };
      return [{ file, role, kind, digest, size: blob.size, origin }];
    }),
  };
}
