import { type ResolvedModel, ResolveModel } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { resolveVersion } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { Rates } from '../placement/index.ts';
import { restoreArchived } from '../restores/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { EpochMs, SECOND_MS } from '../shared/units.ts';
import { openReport } from './hostReports.ts';
import { loadServable, type ServableVersion } from './servable.ts';
import { isFresh, type SessionRefusal } from './sessions.ts';

export interface ResolveDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** What restores cost. */
  readonly rates: Rates;
}

export type ResolveRefusal =
  | SessionRefusal
  | 'unknown-model'
  | 'unknown-version'
  /** A file of it has no clean verdict by the rules of today. */
  | 'not-servable';

export type ResolveAnswer =
  | { readonly outcome: 'resolved'; readonly model: ResolvedModel }
  | { readonly outcome: 'refused'; readonly reason: ResolveRefusal }
  /** A file of it lies in a class that must be restored before it can be read; that is under way now. */
  | { readonly outcome: 'restoring'; readonly readyAt: EpochMs; readonly secondsLeft: number };

/**
 * Tells a registered host which pinned objects a model reference means now. The gate is the same as for commands: nothing that is
 * not clean gets a location. What is archived
 * begins to be restored. The answer pins nothing; an old origin outlives a switch long enough for a fetch to begin, and a host
 * that comes later asks again.
 */
export async function resolveModel(deps: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const answer = await decideAnswer(deps, envelope);
  const reason = answer.outcome === 'refused' ? answer.reason : answer.outcome;
  deps.telemetry.metric('ModelResolved', 'Count', 1, { reason });
  return answer;
}

async function decideAnswer(deps: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const { catalog, clock } = deps;
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
  const restores = await restoreArchived(deps, {
    model,
    blobs: [...servable.blobs.values()].map(({ value }) => value),
    reason: 'read',
    correlationId: CorrelationId.parse(`read-${opened.report.host}.${opened.report.at}`),
  });
  if (restores.length === 0) return { outcome: 'resolved', model: resolved(servable) };
  const readyAt = EpochMs.parse(Math.max(...restores.map(({ restore }) => restore.readyAt)));
  return { outcome: 'restoring', readyAt, secondsLeft: Math.max(1, Math.ceil((readyAt - clock.now()) / SECOND_MS)) };
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
