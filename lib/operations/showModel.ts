import {
  type Blob,
  BlobRow,
  CatalogError,
  listAliases,
  listTombstones,
  listVersions,
  parseReference,
  queryAll,
  ReplicaRow,
  requireModel,
  resolveVersion,
  startingWith,
  TombstoneRow,
  type Version,
} from '../catalog/index.ts';
import { type Digest, type ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import { Bytes } from '../shared/units.ts';
import type { FileView, ShownModel, VersionView } from './views.ts';

/** A model with its versions and aliases, and the files of the version that is asked for. Throws `CatalogError`. */
export async function showModel(catalog: CatalogStore, text: string): Promise<ShownModel> {
  const { model } = parseReference(text);
  const { value: row } = await requireLiving(catalog, model);
  const versions = await listVersions(catalog, model);
  return {
    model: { name: row.name, newest: row.newest, versions: row.versions, updatedAt: row.updatedAt },
    aliases: [...(await listAliases(catalog, model))],
    versions: versions.map(versionView),
    files: [...(await showVersion(catalog, text))],
  };
}

/** The files of the version that `name@reference` means, with every copy of each. Throws `CatalogError`. */
export async function showVersion(catalog: CatalogStore, text: string): Promise<readonly FileView[]> {
  const version = await requireResolved(catalog, text);
  const views: FileView[] = [];
  for (const file of version.files) {
    const blob = await BlobRow.get(catalog, file.digest);
    views.push({
      model: version.model,
      version: version.version,
      ...file,
      ...(blob === undefined ? {} : { blob: blobView(blob.value) }),
      replicas: await replicasOf(catalog, file.digest),
    });
  }
  return views;
}

export async function requireResolved(catalog: CatalogStore, text: string): Promise<Version> {
  const { model, reference } = parseReference(text);
  const resolved = await resolveVersion(catalog, model, reference);
  if (resolved.outcome === 'found') return resolved.version;
  const deleted = SemVer.safeParse(reference).data;
  if (deleted !== undefined && (await TombstoneRow.get(catalog, model, deleted)) !== undefined) {
    const name = `${model}@${deleted}`;
    const message = `${name} was deleted. \`strata deleted ${model}\` says until when \`strata undo ${name}\` brings it back.`;
    throw new CatalogError({ code: 'unknown-version', message, retryable: false });
  }
  await requireLiving(catalog, model);
  throw new CatalogError({
    code: 'unknown-version',
    message: `${model} has no version ${reference}. \`strata show ${model} --versions\` lists them, \`--aliases\` the aliases.`,
    retryable: false,
  });
}

/** Says of a model that is deleted as a whole how it comes back. Throws `CatalogError` `unknown-model`. */
async function requireLiving(catalog: CatalogStore, model: ModelName) {
  try {
    return await requireModel(catalog, model);
  } catch (error) {
    if ((await listTombstones(catalog, model)).length === 0) throw error;
    const message = `Every version of ${model} was deleted. \`strata deleted ${model}\` says until when each can be brought back.`;
    throw new CatalogError({ code: 'unknown-model', message, retryable: false, cause: error });
  }
}

export function versionView(row: Version): VersionView {
  const { model, version, publishedAt, deprecated, files, hold, retainUntil } = row;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return {
    model,
    version,
    publishedAt,
    deprecated,
    files: files.length,
    bytes: Bytes.parse(bytes),
    ...(hold === undefined ? {} : { hold: hold.reason }),
    ...(retainUntil === undefined ? {} : { retainUntil }),
  };
}

function blobView({ findings, compressibility, tier, origin, sha256 }: Blob): FileView['blob'] {
  const { status, format, family, parameters, dtypes } = findings;
  return {
    verdict: status,
    format,
    tier,
    storageClass: origin.storageClass,
    ...(origin.packed === undefined ? {} : { packedBytes: origin.packed.bytes }),
    ...(family === undefined ? {} : { family }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(dtypes === undefined ? {} : { dtypes }),
    ...(compressibility === undefined ? {} : { compressibility }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

async function replicasOf(catalog: CatalogStore, digest: Digest): Promise<FileView['replicas']> {
  const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items.map((item) => {
    const { location, state, bytes, pinned, checkedAt } = ReplicaRow.parse(item).value;
    return { location, state, bytes, pinned, checkedAt };
  });
}
