import semver from 'semver';
import { ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import {
  type Alias,
  AliasRow,
  type Model,
  ModelRow,
  type Tombstone,
  TombstoneRow,
  type Version,
  VersionRow,
} from './rows/model.ts';
import { expectationOf, queryAll, startingWith, type Versioned } from './rowType.ts';
import { CatalogError } from './settle.ts';
import { newestVersion } from './versionOrder.ts';

export interface ModelPage {
  readonly models: readonly Model[];
  readonly cursor?: string;
}

/** A page of all models by name. The index may lag behind the newest publications. */
export async function listModels(store: CatalogStore, limit: number, cursor?: string): Promise<ModelPage> {
  const page = await store.queryIndex('listing', {
    partition: 'MODELS',
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const models = page.items.map((item) => ModelRow.parse(item).value);
  return page.cursor === undefined ? { models } : { models, cursor: page.cursor };
}

/** Every published version of a model, newest version number first. */
export async function listVersions(store: CatalogStore, model: ModelName): Promise<readonly Version[]> {
  const items = await queryAll(store, { partition: `MODEL#${model}`, ...startingWith('VERSION#') });
  const versions = items.map((item) => VersionRow.parse(item).value);
  return versions.sort((a, b) => semver.rcompare(a.version, b.version));
}

/** Every deleted version of a model, purged ones included. */
export async function listTombstones(store: CatalogStore, model: ModelName): Promise<readonly Tombstone[]> {
  const items = await queryAll(store, { partition: `MODEL#${model}`, ...startingWith('TOMBSTONE#') });
  return items.map((item) => TombstoneRow.parse(item).value);
}

/** What a version number stands for, deleted or not: it is never used for anything else. */
export async function everPublished(
  store: CatalogStore,
  model: ModelName,
  version: SemVer,
): Promise<Version | undefined> {
  const published = await VersionRow.get(store, model, version);
  return published?.value ?? (await TombstoneRow.get(store, model, version))?.value.content;
}

export async function listAliases(store: CatalogStore, model: ModelName): Promise<readonly Alias[]> {
  const items = await queryAll(store, { partition: `MODEL#${model}`, ...startingWith('ALIAS#') });
  return items.map((item) => AliasRow.parse(item).value);
}

export type ResolveOutcome =
  | { readonly outcome: 'found'; readonly version: Version }
  | { readonly outcome: 'unknown-model' }
  | { readonly outcome: 'unknown-version' };

/**
 * What `name@reference` means now. In this order a reference is `latest`, an exact version, an alias, a range such as `^1.2`.
 * `latest` and ranges pass over deprecated versions as long as there are others; exact versions and aliases do not.
 */
export async function resolveVersion(
  store: CatalogStore,
  model: ModelName,
  reference: string,
): Promise<ResolveOutcome> {
  const row = await ModelRow.get(store, model);
  if (row === undefined) return { outcome: 'unknown-model' };
  const version = await versionNamed(store, row.value, reference);
  const found = version === undefined ? undefined : await VersionRow.get(store, model, version);
  return found === undefined ? { outcome: 'unknown-version' } : { outcome: 'found', version: found.value };
}

async function versionNamed(store: CatalogStore, model: Model, reference: string): Promise<SemVer | undefined> {
  if (reference === 'latest') return model.newest;
  const exact = SemVer.safeParse(reference);
  if (exact.success) return exact.data;
  const alias = await AliasRow.get(store, model.name, reference);
  if (alias !== undefined) return alias.value.version;
  if (semver.validRange(reference) === null) return undefined;
  const versions = await listVersions(store, model.name);
  const supported = versions.filter(({ deprecated }) => !deprecated);
  for (const candidates of [supported, versions]) {
    const best = candidates.find(({ version }) => semver.satisfies(version, reference));
    if (best !== undefined) return best.version;
  }
  return undefined;
}

/** Splits `name`, `name@1.2.0`, `name@stable` or `name@^1.2`. Throws `CatalogError` `invalid-reference`. */
export function parseReference(text: string): { readonly model: ModelName; readonly reference: string } {
  const at = text.indexOf('@');
  const model = ModelName.safeParse(at < 0 ? text : text.slice(0, at));
  const reference = at < 0 ? 'latest' : text.slice(at + 1);
  if (!model.success || reference === '' || reference.length > 128) {
    throw new CatalogError({
      code: 'invalid-reference',
      message: `\`${text.slice(0, 200)}\` names no model. Write name, name@1.2.0, name@stable or name@^1.2.`,
      retryable: false,
    });
  }
  return { model: model.data, reference };
}

/** The change of a model's row that a newly published version brings. */
export async function publishedModelPut(
  store: CatalogStore,
  { model, version }: { readonly model: ModelName; readonly version: SemVer },
  now: EpochMs,
): Promise<Change> {
  const row = await ModelRow.get(store, model);
  const known = row?.value;
  const newest = known === undefined ? undefined : await VersionRow.get(store, model, known.newest);
  // The newest one is deprecated only where all are.
  const keeps = newest !== undefined && !newest.value.deprecated;
  return ModelRow.put(
    {
      name: model,
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
      versions: (known?.versions ?? 0) + 1,
      newest: keeps ? newestVersion([newest.value.version, version]) : version,
    },
    expectationOf(row),
  );
}

/** The model's row, for changes that need it. Throws `CatalogError` `unknown-model`. */
export async function requireModel(store: CatalogStore, model: ModelName): Promise<Versioned<Model>> {
  const row = await ModelRow.get(store, model);
  if (row !== undefined) return row;
  throw new CatalogError({
    code: 'unknown-model',
    message: `There is no model ${model}. \`strata ls\` lists all.`,
    retryable: false,
  });
}
