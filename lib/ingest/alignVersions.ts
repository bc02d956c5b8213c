import type { QuarantineChanged } from '../../events/quarantine-changed/v1.ts';
import { auditChanges, versionRecord, whyAligned } from '../audit/index.ts';
import {
  AliasRow,
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  isAdmitted,
  listVersions,
  ModelRow,
  newestSupported,
  noticePut,
  queryAll,
  type Reference,
  ReferenceRow,
  settle,
  startingWith,
  type Version,
  type Versioned,
  VersionRow,
} from '../catalog/index.ts';
import { misnaming } from '../scanning/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { step } from './judgedRows.ts';
import { placePut } from './messages.ts';

/** Aliases that one write may move; a model has a handful. */
const MOST_ALIASES = 40;

/**
 * Makes every version that needs a blob what the verdicts on its blobs say: withdrawn when one of them is refused, so that `latest`
 * and ranges pass over it and aliases go back to where they pointed before; or back again, and placed, when none is. Called after
 * every verdict that is written. Nothing is deleted.
 */
export async function alignVersions(deps: IngestDeps, digest: Digest, call: IngestCall): Promise<void> {
  const items = await queryAll(deps.catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  for (const item of items) await align(deps, ReferenceRow.parse(item).value, call);
}

/**
 * The same for one version and all of its files. Called after it is published or brought back: a verdict that was written while it
 * was not there did not find it.
 */
export async function alignVersion(
  deps: IngestDeps,
  { model, version }: Pick<Version, 'model' | 'version'>,
  call: IngestCall,
): Promise<void> {
  const files = (await VersionRow.get(deps.catalog, model, version))?.value.files;
  for (const digest of new Set(files?.map((file) => file.digest))) await align(deps, { digest, model, version }, call);
}

async function align(deps: IngestDeps, reference: Reference, call: IngestCall): Promise<void> {
  const aligned = await settle(deps.catalog, 'The version', () => decide(deps, reference));
  if (aligned === undefined) return;
  const { model, version } = reference;
  const { change, by } = aligned;
  call.telemetry.metric('VersionsAligned', 'Count', 1, { change });
  call.telemetry.warn(`version-${change}`, { model, version, digest: by.digest, status: by.findings.status });
}

interface Aligned {
  readonly change: 'withdrawn' | 'restored';
  readonly by: Blob;
}

async function decide(deps: IngestDeps, { digest, model, version }: Reference): Promise<Decided<Aligned | undefined>> {
  // Read before the verdicts: whoever writes a verdict later finds this version, or what is written here.
  const row = await VersionRow.get(deps.catalog, model, version);
  const modelRow = await ModelRow.get(deps.catalog, model);
  const blob = row === undefined ? undefined : await decidingBlob(deps.catalog, row.value, digest);
  const now = deps.clock.now();
  const changed = row === undefined || blob === undefined ? undefined : changeOf(row.value, blob.value, now);
  if (row === undefined || modelRow === undefined || blob === undefined || changed === undefined) {
    return { changes: [], answer: undefined };
  }
  const { findings } = blob.value;
  const versions = await listVersions(deps.catalog, model);
  const newest = newestSupported(versions.map((one) => (one.version === version ? changed : one)));
  const change = changed.withdrawn === undefined ? 'restored' : 'withdrawn';
  const aliases = change === 'withdrawn' ? await aliasChanges(deps, changed, versions, now) : [];
  const noticeId = `${change}:${model}@${version}:${blob.value.digest}:${findings.rules}`;
  return {
    changes: [
      { kind: 'check', key: BlobRow.key(blob.value.digest), expect: expectationOf(blob) },
      VersionRow.put(changed, expectationOf(row)),
      ...(await auditChanges(deps.catalog, versionRecord(changed, blob.value, step('align-version'), now))),
      ModelRow.put(
        { ...modelRow.value, newest: newest ?? modelRow.value.newest, updatedAt: now },
        expectationOf(modelRow),
      ),
      ...aliases,
      noticePut(noticeId, noticeOf(changed, blob.value, change, now)),
      ...(change === 'restored' ? [placePut(model, version, changed.correlationId, now)] : []),
    ],
    answer: { change, by: blob.value },
  };
}

/**
 * The blob that decides about a version after a verdict on `digest`: the one that it is withdrawn for while that one is refused, or
 * else any other that is refused; without one, the version comes back.
 */
async function decidingBlob(
  catalog: CatalogStore,
  { files, withdrawn }: Version,
  digest: Digest,
): Promise<Versioned<Blob> | undefined> {
  const judged = await BlobRow.get(catalog, withdrawn?.digest ?? digest);
  if (withdrawn === undefined || (judged !== undefined && refusal(files, judged.value) !== undefined)) return judged;
  for (const file of files) {
    const other = await BlobRow.get(catalog, file.digest);
    if (other !== undefined && refusal(files, other.value) !== undefined) return other;
  }
  return judged;
}

/** Why a version with these files may not be served by the verdict on one of its blobs. */
function refusal(files: Version['files'], blob: Blob): string | undefined {
  const { admission, status } = blob.findings;
  if (!isAdmitted(blob.findings)) return admission?.reason ?? status;
  return misnaming(files, blob) === undefined ? undefined : 'invalid';
}

/** The version as it should be by the verdict on its deciding blob; undefined where it is so already. */
function changeOf(version: Version, blob: Blob, now: EpochMs): Version | undefined {
  const { digest } = blob;
  const { withdrawn, ...rest } = version;
  const reason = refusal(version.files, blob);
  if (reason === undefined)
    return withdrawn === undefined ? undefined : { ...rest, deprecated: withdrawn.wasDeprecated };
  if (withdrawn?.digest === digest) return undefined;
  const wasDeprecated = withdrawn?.wasDeprecated ?? version.deprecated;
  return { ...rest, deprecated: true, withdrawn: { at: now, digest, reason, wasDeprecated } };
}

/** Aliases of a withdrawn version go back where they came from, as far as that is to be had. */
async function aliasChanges(
  deps: IngestDeps,
  { model, version }: Version,
  versions: readonly Version[],
  now: EpochMs,
): Promise<readonly Change[]> {
  const items = await queryAll(deps.catalog, { partition: `MODEL#${model}`, ...startingWith('ALIAS#') });
  const changes: Change[] = [];
  for (const item of items.slice(0, MOST_ALIASES)) {
    const row = AliasRow.parse(item);
    const { previous } = row.value;
    const target = versions.find((one) => one.version === previous);
    if (row.value.version !== version || target === undefined || target.withdrawn !== undefined) continue;
    const moved = { ...row.value, version: target.version, previous: version, updatedAt: now };
    changes.push(AliasRow.put(moved, expectationOf(row)));
  }
  return changes;
}

function noticeOf(version: Version, blob: Blob, change: Aligned['change'], at: EpochMs): QuarantineChanged {
  const { model, correlationId } = version;
  const { digest } = blob;
  const { reason, text } = whyAligned(version, blob);
  return {
    schema: 'quarantine-changed/1',
    change,
    at,
    model,
    version: version.version,
    digest,
    reason,
    text,
    correlationId,
  };
}
