import { publishedModelPut, TombstoneRow, type Version, VersionRow } from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { placePut } from './messages.ts';

/** What publishes a version: its row, its model's row and the message that has it placed, for one transaction. */
export async function versionChanges(store: CatalogStore, version: Version, now: EpochMs): Promise<readonly Change[]> {
  return [
    VersionRow.put(version, 'absent'),
    { kind: 'check', key: TombstoneRow.key(version.model, version.version), expect: 'absent' },
    await publishedModelPut(store, version, now),
    placePut(version.model, version.version, version.correlationId, now),
  ];
}
