import { createHash } from 'node:crypto';
import { outboxPut, type Upload } from '../catalog/index.ts';
import type { DigestUpload } from '../../events/digest-upload/v1.ts';
import type { PlaceModel } from '../../events/place-model/v1.ts';
import type { CorrelationId, ModelName, SemVer } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** The message that carries an upload's digest on, at the hop that its row names. */
export function digestMessage({ key, versionId, correlationId, hop }: Upload): DigestUpload {
  return { schema: 'digest-upload/1', key, versionId, correlationId, hop };
}

export function digestPut(upload: Upload, now: EpochMs): Change {
  const name = createHash('sha256').update(`${upload.key}\0${upload.versionId}`).digest('hex').slice(0, 32);
  return outboxPut({ id: `digest:${name}:${upload.hop}`, queue: 'digest', body: digestMessage(upload) }, now);
}

export function placePut(model: ModelName, version: SemVer, correlationId: CorrelationId, now: EpochMs): Change {
  const body: PlaceModel = { schema: 'place-model/1', model, version, correlationId };
  return outboxPut({ id: `place:${model}@${version}`, queue: 'placement', body }, now);
}
