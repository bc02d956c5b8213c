import { type ResolvedModel, ResolveRequest } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { BlobRow, type Host, ReferenceRow, resolveVersion, startingWith, VersionRow } from '../catalog/index.ts';
import { isReadAtOnce, type Rates } from '../placement/index.ts';
import { type AskedRestore, type LimitedRestore, restoreArchived, type RestoreLimits } from '../restores/index.ts';
import { misnaming, type Scanner } from '../scanning/index.ts';
import { CorrelationId, type Digest, type ModelName } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { EpochMs } from '../shared/units.ts';
import { openReport } from './hostReports.ts';
import { loadServable, serveRefusal, type ServableVersion } from './servable.ts';
import { type ClockSkew, clockSkew, type SessionRefusal } from './sessions.ts';
import { toldOrigin } from './toldOrigin.ts';

export interface ResolveDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly scanner: Pick<Scanner, 'rules'>;
  /** What restores cost. */
  readonly rates: Rates;
  /** What readers may spend on them. */
  readonly settings: RestoreLimits;
}

export type ResolveRefusal =
  | SessionRefusal
  | 'unknown-model'
  | 'unknown-version'
  /** No published version has a file of this digest. */
  | 'unknown-blob'
  /** A file of it has no clean verdict by the rules of today. */
  | 'not-servable';

/** How far the slowest file of a model is. */
export interface Restoring {
  readonly readyAt: EpochMs;
  /** Where it waits in line: when its turn comes. */
  readonly beginsAt?: EpochMs;
  readonly now: EpochMs;
}

export type ResolveAnswer =
  | { readonly outcome: 'resolved'; readonly model: ResolvedModel }
  | { readonly outcome: 'refused'; readonly reason: ResolveRefusal }
  | ClockSkew
  /** A file of it lies in a class that must be restored before it can be read; that is under way, or in line. */
  | ({ readonly outcome: 'restoring' } & Restoring)
  /** A file of it must be restored, and cannot: it is too dear, or the line is full. */
  | {
      readonly outcome: 'limited';
      readonly restore: LimitedRestore;
      readonly limits: RestoreLimits;
      readonly now: EpochMs;
    };

/**
 * Tells a registered host which pinned objects a model reference, or a digest, means now. The gate is the same as for commands:
 * nothing that is not clean gets a location. What is archived begins to be restored. The answer pins nothing; an old origin outlives
 * a switch long enough for a fetch to begin, and a host that comes later asks again.
 */
export async function resolveModel(deps: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const answer = await decideAnswer(deps, envelope);
  const reason = answer.outcome === 'refused' ? answer.reason : answer.outcome;
  deps.telemetry.metric('ModelResolved', 'Count', 1, { reason });
  return answer;
}

/** Files of one version that may be served. */
type Found = Pick<ServableVersion, 'version' | 'blobs'>;

const refuse = (reason: ResolveRefusal): ResolveAnswer => ({ outcome: 'refused', reason });

async function decideAnswer(deps: ResolveDeps, envelope: SignedEnvelope): Promise<ResolveAnswer> {
  const { catalog, clock } = deps;
  const opened = await openReport(catalog, envelope, ResolveRequest);
  if (opened.outcome === 'stale') return refuse(opened.reason);
  const { report } = opened;
  const skew = clockSkew(report.at, clock.now());
  if (skew !== undefined) return skew;
  if (opened.host.value.state === 'retired') return refuse('retired');
  const found =
    report.schema === 'resolve-blob/1'
      ? await findBlob(deps, report.digest)
      : await findVersion(deps, report.model, report.reference);
  if (typeof found === 'string') return refuse(found);
  const blobs = [...found.blobs.values()].map(({ value }) => value);
  const { asked, refused } = await restoreArchived(deps, {
    model: found.version.model,
    blobs,
    reason: 'read',
    correlationId: CorrelationId.parse(`read-${report.host}.${report.at}`),
    limits: deps.settings,
  });
  // What came back between the two reads is told to whoever asks again, which is at once: these rows name what cannot be read.
  if (blobs.every(({ origin }) => isReadAtOnce(origin, deps.rates))) {
    return { outcome: 'resolved', model: resolved(found, opened.host.value) };
  }
  const [limited] = refused.toSorted((one, other) => (other.againAt ?? Infinity) - (one.againAt ?? Infinity));
  if (limited !== undefined) return { outcome: 'limited', restore: limited, limits: deps.settings, now: clock.now() };
  return { outcome: 'restoring', ...restoring(asked, clock.now()) };
}

function restoring(asked: readonly AskedRestore[], now: EpochMs): Restoring {
  const restores = asked.map(({ restore }) => restore);
  const readyAt = EpochMs.parse(Math.max(now, ...restores.map((one) => one.readyAt)));
  const beginsAt = Math.max(0, ...restores.map(({ turn }) => turn?.beginsAt ?? 0));
  // What begins at once is told as begun.
  return { readyAt, now, ...(beginsAt > now ? { beginsAt: EpochMs.parse(beginsAt) } : {}) };
}

async function findVersion(
  { catalog, scanner }: ResolveDeps,
  model: ModelName,
  reference: string,
): Promise<Found | ResolveRefusal> {
  const found = await resolveVersion(catalog, model, reference);
  if (found.outcome !== 'found') return found.outcome;
  const servable = await loadServable(catalog, model, found.version.version, scanner.rules);
  return servable.outcome === 'refused' ? 'not-servable' : servable;
}

/** A few are looked at: a reference whose version is not published yet, or no more, names nothing that could be served. */
const MOST_REFERENCES = 20;

async function findBlob({ catalog: store, scanner }: ResolveDeps, digest: Digest): Promise<Found | ResolveRefusal> {
  const blob = await BlobRow.get(store, digest);
  if (blob === undefined) return 'unknown-blob';
  if (serveRefusal(blob.value, scanner.rules) !== undefined) return 'not-servable';
  const range = { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') };
  const { items } = await store.query({ ...range, limit: MOST_REFERENCES });
  for (const item of items) {
    const { model, version } = ReferenceRow.parse(item).value;
    const published = (await VersionRow.get(store, model, version))?.value;
    if (published === undefined) continue;
    const files = published.files.filter(
      (file) => file.digest === digest && misnaming([file], blob.value) === undefined,
    );
    if (files.length === 0) continue;
    return { version: { ...published, files }, blobs: new Map([[digest, blob]]) };
  }
  return 'unknown-blob';
}

function resolved({ version, blobs }: Found, host: Host): ResolvedModel {
  return {
    model: version.model,
    version: version.version,
    publishedAt: version.publishedAt,
    files: version.files.flatMap(({ file, role, kind, digest }) => {
      const blob = blobs.get(digest)?.value;
      if (blob === undefined) return [];
      return [{ file, role, kind, digest, size: blob.size, origin: toldOrigin(blob, host) }];
    }),
  };
}
