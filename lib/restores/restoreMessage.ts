import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import { outboxPut, type Restore } from '../catalog/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** Has somebody look after a restore; `why` tells the messages of one apart. */
export function pokePut({ actionId, digest, versionId, correlationId }: Restore, why: string, now: EpochMs): Change {
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return outboxPut({ id: `${actionId}-${why}`, queue: 'restore', body }, now);
}
