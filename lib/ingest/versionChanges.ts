import {
  expectationOf,
  type Model,
  ModelRow,
  newestVersion,
  type Version,
  type Versioned,
  VersionRow,
} from '../catalog/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { placePut } from './messages.ts';

/** What publishes a version: its row, its model's row and the message that has it placed, for one transaction. */
export function versionChanges(version: Version, model: Versioned<Model> | undefined, now: EpochMs): readonly Change[] {
  const known = model?.value;
  const row: Model = {
    name: version.model,
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    versions: (known?.versions ?? 0) + 1,
    newest: newestVersion(known === undefined ? [version.version] : [known.newest, version.version]),
  };
  return [
    VersionRow.put(version, 'absent'),
    ModelRow.put(row, expectationOf(model)),
    placePut(version.model, version.version, version.correlationId, now),
  ];
}
