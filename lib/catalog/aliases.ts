import type { ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { listVersions, requireModel } from './models.ts';
import { type Alias, AliasRow, ModelRow, type Version, VersionRow } from './rows/model.ts';
import { expectationOf, type Versioned } from './rowType.ts';
import { CatalogError, settle } from './settle.ts';
import { newestSupported } from './versionOrder.ts';

export interface AliasChange {
  readonly model: ModelName;
  readonly alias: string;
  readonly now: EpochMs;
  /** Decide and answer, but write nothing. */
  readonly dryRun: boolean;
}

/** Points an alias at a published version and remembers where it pointed before. Throws `CatalogError`. */
export async function promoteAlias(
  store: CatalogStore,
  change: AliasChange & { readonly version: SemVer },
): Promise<Alias> {
  const { model, alias, version, now, dryRun } = change;
  assertStored(alias);
  return settle(store, 'The alias', async () => {
    const target = await requireVersion(store, model, version);
    const row = await AliasRow.get(store, model, alias);
    if (row?.value.version === version) return { changes: [], answer: row.value };
    const previous = row?.value.version;
    const moved: Alias = { model, alias, version, ...(previous === undefined ? {} : { previous }), updatedAt: now };
    return { changes: dryRun ? [] : aliasChanges(moved, row, target), answer: moved };
  });
}

/** Points an alias back at the version before its last promotion; done twice it is undone. Throws `CatalogError`. */
export async function rollbackAlias(store: CatalogStore, change: AliasChange): Promise<Alias> {
  const { model, alias, now, dryRun } = change;
  return settle(store, 'The alias', async () => {
    const row = await AliasRow.get(store, model, alias);
    if (row === undefined) throw unknownAlias(model, alias);
    const { version, previous } = row.value;
    if (previous === undefined) {
      throw refusal('no-previous', `${model}@${alias} never pointed elsewhere. Use \`strata alias promote\`.`);
    }
    const target = await requireVersion(store, model, previous);
    const moved: Alias = { model, alias, version: previous, previous: version, updatedAt: now };
    return { changes: dryRun ? [] : aliasChanges(moved, row, target), answer: moved };
  });
}

/** Takes an alias away; the version that it points at stays. Answers the alias as it was. Throws `CatalogError`. */
export async function removeAlias(store: CatalogStore, change: Omit<AliasChange, 'now'>): Promise<Alias> {
  const { model, alias, dryRun } = change;
  let tried: Alias | undefined;
  return settle(store, 'The alias', async () => {
    const row = await AliasRow.get(store, model, alias);
    if (row === undefined) {
      if (tried === undefined) throw unknownAlias(model, alias);
      // It is gone since: by this very write, or by one that wanted the same.
      return { changes: [], answer: tried };
    }
    tried = row.value;
    const gone: Change = { kind: 'delete', key: AliasRow.key(model, alias), expect: { version: row.version } };
    return { changes: dryRun ? [] : [gone], answer: row.value };
  });
}

/** Marks a version so that `latest` and ranges pass over it, or takes the mark away. Its files stay. Throws `CatalogError`. */
export async function deprecateVersion(
  store: CatalogStore,
  change: {
    readonly model: ModelName;
    readonly version: SemVer;
    readonly deprecated: boolean;
    readonly now: EpochMs;
    readonly dryRun: boolean;
  },
): Promise<Version> {
  const { model, version, deprecated, now, dryRun } = change;
  return settle(store, 'The version', async () => {
    const modelRow = await requireModel(store, model);
    const row = await requireVersion(store, model, version);
    const changed = { ...row.value, deprecated };
    if (row.value.deprecated === deprecated || dryRun) return { changes: [], answer: changed };
    const all = (await listVersions(store, model)).map((other) => (other.version === version ? changed : other));
    const newest = newestSupported(all) ?? modelRow.value.newest;
    return {
      changes: [
        VersionRow.put(changed, expectationOf(row)),
        ModelRow.put({ ...modelRow.value, newest, updatedAt: now }, expectationOf(modelRow)),
      ],
      answer: changed,
    };
  });
}

/** The version's row is written too, so that nobody deletes at the same moment what the alias begins to point at. */
function aliasChanges(moved: Alias, row: Versioned<Alias> | undefined, target: Versioned<Version>): readonly Change[] {
  return [AliasRow.put(moved, expectationOf(row)), VersionRow.put(target.value, expectationOf(target))];
}

async function requireVersion(store: CatalogStore, model: ModelName, version: SemVer): Promise<Versioned<Version>> {
  const row = await VersionRow.get(store, model, version);
  if (row !== undefined) return row;
  throw refusal(
    'unknown-version',
    `${model} has no published version ${version}. \`strata show ${model} --versions\` lists them.`,
  );
}

function assertStored(alias: string): void {
  if (alias !== 'latest' && /^[a-z][a-z0-9-]{0,63}$/.test(alias)) return;
  throw refusal(
    'invalid-reference',
    '`latest` is computed, and an alias has lower-case letters, digits and dashes, the first one a letter.',
  );
}

function unknownAlias(model: ModelName, alias: string): CatalogError {
  return refusal('unknown-alias', `${model} has no alias ${alias}. \`strata show ${model} --aliases\` lists them.`);
}

function refusal(code: CatalogError['code'], message: string): CatalogError {
  return new CatalogError({ code, message, retryable: false });
}
