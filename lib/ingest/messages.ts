import { createHash } from 'node:crypto';
import { outboxPut, type Upload } from '../catalog/index.ts';
import type { DigestUpload } from '../../events/digest-upload/v1.ts';
import type { ObserveUpload } from '../../events/observe-upload/v1.ts';
import type { PlaceModel } from '../../events/place-model/v1.ts';
import type { CorrelationId, ModelName, SemVer } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** The message that carries an upload's digest on, at the hop that its row names. */
export function digestMessage({ key, versionId, correlationId, hop }: Upload): DigestUpload {
  return { schema: 'digest-upload/1', key, versionId, correlationId, hop };
}

/** Short, and another for each version of each key. */
function nameOf({ key, versionId }: Upload): string {
  return createHash('sha256').update(`${key}\0${versionId}`).digest('hex').slice(0, 32);
}

export function digestPut(upload: Upload, now: EpochMs): Change {
  return outboxPut({ id: `digest:${nameOf(upload)}:${upload.hop}`, queue: 'digest', body: digestMessage(upload) }, now);
}

/** Has one key of the bucket looked at again. */
export function lookMessage(key: string, correlationId: CorrelationId): ObserveUpload {
  return { schema: 'observe-upload/1', key, correlationId };
}

/** The message that moves an upload on which stands still, at the step where it stands. */
export function retellPut(upload: Upload, now: EpochMs): Change {
  if (upload.state === 'digesting') return digestPut(upload, now);
  const body = lookMessage(upload.key, upload.correlationId);
  return outboxPut({ id: `look:${nameOf(upload)}`, queue: 'ingest', body }, now);
}

export function placePut(model: ModelName, version: SemVer, correlationId: CorrelationId, now: EpochMs): Change {
  const body: PlaceModel = { schema: 'place-model/1', model, version, correlationId };
  return outboxPut({ id: `place:${model}@${version}`, queue: 'placement', body }, now);
}
