import {
  type Decided,
  listTombstones,
  ModelRow,
  outboxPut,
  settle,
  type Tombstone,
  TombstoneRow,
  type Version,
  VersionRow,
} from '../catalog/index.ts';
import type { AlignVersion } from '../../events/rescan/v1.ts';
import type { PlaceModel } from '../../events/place-model/v1.ts';
import type { CorrelationId, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { DeletionError } from './errors.ts';
import { modelChange, otherVersions } from './versionRows.ts';

export interface Undoing {
  readonly model: ModelName;
  readonly version: SemVer;
  readonly now: EpochMs;
  readonly correlationId: CorrelationId;
  readonly dryRun: boolean;
}

/**
 * Brings a deleted version back as it was, has it placed again, and has it made what the verdicts on its files say by now: those
 * that were written while it was deleted did not find it. Undoing twice answers the version that is there. Throws
 * `DeletionError` `not-deleted`, and `undo-window-over` once its purge has begun.
 */
export async function undoDelete(store: CatalogStore, undoing: Undoing): Promise<Version> {
  const { model, version, now } = undoing;
  return settle(store, `Bringing ${model}@${version} back`, async (): Promise<Decided<Version>> => {
    const published = await VersionRow.get(store, model, version);
    if (published !== undefined) return { changes: [], answer: published.value };
    const row = await TombstoneRow.get(store, model, version);
    if (row === undefined) throw notDeleted(model, version, await listTombstones(store, model));
    const { state, content } = row.value;
    if (state !== 'deleted') throw tooLate(row.value);
    if (undoing.dryRun) return { changes: [], answer: content };
    const modelRow = await ModelRow.get(store, model);
    const { correlationId } = undoing;
    const place: PlaceModel = { schema: 'place-model/1', model, version, correlationId };
    const align: AlignVersion = { schema: 'align-version/1', model, version, correlationId };
    return {
      changes: [
        VersionRow.put({ ...content, undoneAt: now }, 'absent'),
        { kind: 'delete', key: TombstoneRow.key(model, version), expect: { version: row.version } },
        modelChange(model, modelRow, [...(await otherVersions(store, content)), content], now),
        outboxPut({ id: `undo:${model}@${version}:${correlationId}`, queue: 'placement', body: place }, now),
        outboxPut({ id: `undo-align:${model}@${version}:${correlationId}`, queue: 'rescan', body: align }, now),
      ],
      answer: content,
    };
  });
}

function notDeleted(model: ModelName, version: SemVer, tombstones: readonly Tombstone[]): DeletionError {
  const names = tombstones.filter(({ state }) => state === 'deleted').map(({ content }) => content.version);
  const known = names.length === 0 ? 'Nothing of it was.' : `These were: ${names.join(', ')}.`;
  const message = `${model}@${version} was not deleted. ${known}`;
  return new DeletionError({ code: 'not-deleted', message, retryable: false });
}

function tooLate({ content, purgeAfter }: Tombstone): DeletionError {
  return new DeletionError({
    code: 'undo-window-over',
    message: `${content.model}@${content.version} could be brought back until ${new Date(purgeAfter).toISOString()}; its bytes are going or gone. Push it again under another version.`,
    retryable: false,
  });
}
