import {
  CatalogError,
  type Decided,
  listAliases,
  ModelRow,
  settle,
  type Tombstone,
  TombstoneRow,
  type Version,
  VersionRow,
  type Versioned,
} from '../catalog/index.ts';
import type { CorrelationId, HostId, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { CLOCK_MARGIN_MS, type DeletionRefusal, refuseDeletion } from './decideDeletion.ts';
import { DeletionError } from './errors.ts';
import { digestsOf, loadReferences, loadReplicas, modelChange, otherVersions } from './versionRows.ts';

export interface Deletion {
  readonly model: ModelName;
  readonly version: SemVer;
  /** How long it can be undone; 0 gives it to the next purge. */
  readonly undoDays: number;
  readonly now: EpochMs;
  readonly correlationId: CorrelationId;
  /** Decide and answer, but write nothing. */
  readonly dryRun: boolean;
}

export interface Deleted {
  readonly tombstone: Tombstone;
  /** Bytes in the bucket that the purge will free; files of other versions are not among them. */
  readonly freesBytes: number;
}

/**
 * Deletes a published version, so that it can be undone: the tombstone takes the version's place in one write, nobody resolves or places
 * it from then on, and its bytes stay until the purge. Deleting it again answers the first tombstone. Throws `DeletionError`,
 * and `CatalogError` `unknown-version`.
 */
export async function deleteVersion(store: CatalogStore, deletion: Deletion): Promise<Deleted> {
  const { model, version } = deletion;
  return settle(store, `Deleting ${model}@${version}`, () => decideDelete(store, deletion));
}

/** What deletes a version, for whoever writes more with it. Throws as `deleteVersion` does. */
export async function decideDelete(store: CatalogStore, deletion: Deletion): Promise<Decided<Deleted>> {
  const { model, version } = deletion;
  const row = await VersionRow.get(store, model, version);
  const buried = await TombstoneRow.get(store, model, version);
  if (row === undefined && buried !== undefined) {
    return { changes: [], answer: { tombstone: buried.value, freesBytes: buried.value.freedBytes ?? 0 } };
  }
  if (row === undefined) throw unknownVersion(model, version);
  const aliases = (await listAliases(store, model)).filter((one) => one.version === version);
  const { freesBytes, pinnedOn } = await ownBlobs(store, row.value);
  const names = aliases.map(({ alias }) => alias);
  const refusal = refuseDeletion({ version: row.value, aliases: names, pinnedOn, now: deletion.now });
  if (refusal !== undefined) throw refused(refusal, row.value, refusal === 'aliased' ? names : pinnedOn);
  const tombstone = tombstoneOf(row.value, deletion);
  const answer = { tombstone, freesBytes };
  return { changes: deletion.dryRun ? [] : await burial(store, row, tombstone, deletion.now), answer };
}

async function burial(store: CatalogStore, row: Versioned<Version>, tombstone: Tombstone, now: EpochMs) {
  const { model, version } = row.value;
  // The model's row first: every publication writes it, so the versions that are read after it are those of its version.
  const modelRow = await ModelRow.get(store, model);
  return [
    { kind: 'delete', key: VersionRow.key(model, version), expect: { version: row.version } } as const,
    TombstoneRow.put(tombstone, 'absent'),
    modelChange(model, modelRow, await otherVersions(store, row.value), now),
  ];
}

function tombstoneOf(content: Version, { now, undoDays, correlationId }: Deletion): Tombstone {
  const windowMs = undoDays === 0 ? 0 : Math.round(undoDays * DAY_MS) + CLOCK_MARGIN_MS;
  const purgeAfter = EpochMs.parse(now + windowMs);
  return { state: 'deleted', content, deletedAt: now, purgeAfter, correlationId };
}

/** The blobs that only this version needs: how many bytes they are, and who has pinned one. */
async function ownBlobs(store: CatalogStore, content: Version): Promise<{ freesBytes: number; pinnedOn: HostId[] }> {
  let freesBytes = 0;
  const pinnedOn = new Set<HostId>();
  for (const digest of digestsOf(content)) {
    const references = await loadReferences(store, digest);
    if (references.some(({ value }) => value.model !== content.model || value.version !== content.version)) continue;
    freesBytes += content.files.find((file) => file.digest === digest)?.size ?? 0;
    for (const { value } of await loadReplicas(store, digest)) {
      if (value.pinned && value.host !== undefined) pinnedOn.add(value.host.id);
    }
  }
  return { freesBytes, pinnedOn: [...pinnedOn] };
}

function refused(refusal: DeletionRefusal, { model, version, hold, retainUntil }: Version, by: readonly string[]) {
  const name = `${model}@${version}`;
  switch (refusal) {
    case 'held':
      return held(`${name} is under a legal hold (${hold?.reason}). \`strata hold release ${name}\` ends it.`);
    case 'retained':
      return held(`${name} is retained until ${new Date(retainUntil ?? 0).toISOString()}.`);
    case 'aliased':
      return inUse(
        `${name} is what ${by.join(', ')} points at. Move it first (\`strata alias promote\`), or take it away: \`strata alias remove ${model} ${by[0]}\`.`,
      );
    case 'pinned':
      return inUse(`Files of ${name} are pinned on ${by.join(', ')}. Unpin them first: strata host unpin.`);
  }
}

const held = (message: string) => new DeletionError({ code: 'version-held', message, retryable: false });
const inUse = (message: string) => new DeletionError({ code: 'version-in-use', message, retryable: false });

export function unknownVersion(model: ModelName, version: SemVer): CatalogError {
  const message = `${model} has no published version ${version}. \`strata show ${model} --versions\` lists them.`;
  return new CatalogError({ code: 'unknown-version', message, retryable: false });
}
