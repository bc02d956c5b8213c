import {
  type Decided,
  expectationOf,
  settle,
  type Tombstone,
  TombstoneRow,
  type Version,
  VersionRow,
} from '../catalog/index.ts';
import type { ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { unknownVersion } from './deleteVersion.ts';
import { DeletionError } from './errors.ts';

export interface Holding {
  readonly model: ModelName;
  readonly version: SemVer;
  readonly now: EpochMs;
  readonly dryRun: boolean;
  readonly change:
    | { readonly kind: 'hold'; readonly reason: string }
    | { readonly kind: 'release' }
    /** Never shortens: what was promised is kept. */
    | { readonly kind: 'retain'; readonly until: EpochMs };
}

/**
 * Puts a version under a legal hold, ends it, or retains the version until a moment; also one that is deleted but not yet purged.
 * Throws `CatalogError` `unknown-version`, and `DeletionError` `undo-window-over` once its purge has begun.
 */
export async function holdVersion(store: CatalogStore, holding: Holding): Promise<Version> {
  const { model, version, dryRun } = holding;
  return settle(store, `Holding ${model}@${version}`, async (): Promise<Decided<Version>> => {
    const row = await VersionRow.get(store, model, version);
    if (row !== undefined) {
      const held = changed(row.value, holding);
      return { changes: dryRun ? [] : [VersionRow.put(held, expectationOf(row))], answer: held };
    }
    const buried = await TombstoneRow.get(store, model, version);
    if (buried === undefined) throw unknownVersion(model, version);
    if (buried.value.state !== 'deleted') throw tooLate(buried.value);
    const content = changed(buried.value.content, holding);
    const put = TombstoneRow.put({ ...buried.value, content }, expectationOf(buried));
    return { changes: dryRun ? [] : [put], answer: content };
  });
}

function changed(version: Version, { change, now }: Holding): Version {
  switch (change.kind) {
    case 'hold':
      return { ...version, hold: { reason: change.reason, since: version.hold?.since ?? now } };
    case 'release': {
      const { hold: _, ...rest } = version;
      return rest;
    }
    case 'retain': {
      const later = version.retainUntil !== undefined && version.retainUntil > change.until;
      return later ? version : { ...version, retainUntil: change.until };
    }
  }
}

function tooLate({ content }: Tombstone): DeletionError {
  const message = `${content.model}@${content.version} is being purged: nothing can be held any more.`;
  return new DeletionError({ code: 'undo-window-over', message, retryable: false });
}
