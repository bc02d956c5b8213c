import type { QuarantineChanged } from '../../events/quarantine-changed/v1.ts';
import {
  AliasRow,
  type Decided,
  expectationOf,
  type HeaderFindings,
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
  VersionRow,
} from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { placePut } from './messages.ts';

/** Aliases that one write may move; a model has a handful. */
const MOST_ALIASES = 40;

/**
 * Makes every version that needs a blob what the blob's verdict says: withdrawn, so that `latest` and ranges pass over it and
 * aliases go back to where they pointed before; or back again, and placed, when only this blob kept it away. Nothing is deleted.
 */
export async function alignVersions(
  deps: IngestDeps,
  digest: Digest,
  findings: HeaderFindings,
  call: IngestCall,
): Promise<void> {
  const items = await queryAll(deps.catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  for (const item of items) {
    const reference = ReferenceRow.parse(item).value;
    const changed = await settle(deps.catalog, 'The version', () => decide(deps, reference, findings));
    if (changed === undefined) continue;
    const { model, version } = reference;
    call.telemetry.metric('VersionsAligned', 'Count', 1, { change: changed });
    call.telemetry.warn(`version-${changed}`, { model, version, digest, status: findings.status });
  }
}

async function decide(
  deps: IngestDeps,
  { digest, model, version }: Reference,
  findings: HeaderFindings,
): Promise<Decided<'withdrawn' | 'restored' | undefined>> {
  const row = await VersionRow.get(deps.catalog, model, version);
  const modelRow = await ModelRow.get(deps.catalog, model);
  const now = deps.clock.now();
  const changed = row === undefined ? undefined : changeOf(row.value, digest, findings, now);
  if (row === undefined || modelRow === undefined || changed === undefined) return { changes: [], answer: undefined };
  const versions = await listVersions(deps.catalog, model);
  const newest = newestSupported(versions.map((one) => (one.version === version ? changed : one)));
  const answer = changed.withdrawn === undefined ? 'restored' : 'withdrawn';
  const aliases = answer === 'withdrawn' ? await aliasChanges(deps, changed, versions, now) : [];
  return {
    changes: [
      VersionRow.put(changed, expectationOf(row)),
      ModelRow.put(
        { ...modelRow.value, newest: newest ?? modelRow.value.newest, updatedAt: now },
        expectationOf(modelRow),
      ),
      ...aliases,
      noticePut(`${answer}:${model}@${version}:${findings.rules}`, noticeOf(changed, digest, findings, answer, now)),
      ...(answer === 'restored' ? [placePut(model, version, changed.correlationId, now)] : []),
    ],
    answer,
  };
}

/** The version as it should be; undefined where it is so already. */
function changeOf(version: Version, digest: Digest, findings: HeaderFindings, now: EpochMs): Version | undefined {
  const { withdrawn, ...rest } = version;
  if (!isAdmitted(findings)) {
    if (withdrawn !== undefined) return undefined;
    const reason = findings.admission?.reason ?? findings.status;
    const mark = { at: now, digest, reason, wasDeprecated: version.deprecated };
    return { ...rest, deprecated: true, withdrawn: mark };
  }
  return withdrawn?.digest === digest ? { ...rest, deprecated: withdrawn.wasDeprecated } : undefined;
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

function noticeOf(
  { model, version, correlationId }: Version,
  digest: Digest,
  findings: HeaderFindings,
  change: 'withdrawn' | 'restored',
  at: EpochMs,
): QuarantineChanged {
  const [first] = findings.reasons;
  const reason = findings.admission?.reason ?? findings.status;
  const text = first === undefined ? (findings.admission?.text ?? reason) : `${first.rule}: ${first.text}`;
  return { schema: 'quarantine-changed/1', change, at, model, version, digest, reason, text, correlationId };
}
