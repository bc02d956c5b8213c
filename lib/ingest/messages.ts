import { createHash } from 'node:crypto';
import { noticePut, outboxPut, type Upload } from '../catalog/index.ts';
import type { DigestUpload } from '../../events/digest-upload/v1.ts';
import type { ObserveUpload } from '../../events/observe-upload/v1.ts';
import type { QuarantineChanged } from '../../events/quarantine-changed/v1.ts';
import type { ScanUpload } from '../../events/scan-upload/v1.ts';
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

/** The message that carries an upload's long judgement on, at the hop that its row names. */
export function scanPut(upload: Upload, now: EpochMs): Change {
  const { key, versionId, correlationId, scan } = upload;
  const hop = scan?.hop ?? 0;
  const body: ScanUpload = { schema: 'scan-upload/1', key, versionId, correlationId, hop };
  return outboxPut({ id: `scan:${nameOf(upload)}:${hop}`, queue: 'scan', body }, now);
}

/** The id and the event of a notice about an upload. */
export function noticeOf(
  upload: Upload,
  told: Pick<QuarantineChanged, 'change' | 'reason' | 'text' | 'by'>,
  at: EpochMs,
): [id: string, event: QuarantineChanged] {
  const { key, versionId, target, digest, correlationId } = upload;
  const event: QuarantineChanged = {
    schema: 'quarantine-changed/1',
    ...told,
    at,
    upload: { key, versionId },
    ...(target === undefined ? {} : { model: target.model, version: target.version }),
    ...(digest === undefined ? {} : { digest }),
    correlationId,
  };
  return [`${told.change}:${nameOf(upload)}:${upload.findings?.rules ?? 'unjudged'}`, event];
}

/** What tells of an upload that the same transaction moves into quarantine; nothing for any other. */
export function quarantineNotices(moved: Upload, now: EpochMs): readonly Change[] {
  if (moved.state !== 'quarantined' || moved.quarantine === undefined) return [];
  const { reason, text } = moved.quarantine;
  return [noticePut(...noticeOf(moved, { change: 'quarantined', reason, text }, now))];
}

/** Has one key of the bucket looked at again. */
export function lookMessage(key: string, correlationId: CorrelationId): ObserveUpload {
  return { schema: 'observe-upload/1', key, correlationId };
}

export function lookPut(upload: Upload, now: EpochMs, delay: { readonly delaySeconds?: number } = {}): Change {
  const body = lookMessage(upload.key, upload.correlationId);
  return outboxPut({ id: `look:${nameOf(upload)}`, queue: 'ingest', body, ...delay }, now);
}

/** The message that moves an upload on which stands still, at the step where it stands. */
export function retellPut(upload: Upload, now: EpochMs): Change {
  if (upload.state === 'digesting') return digestPut(upload, now);
  if (upload.scan !== undefined) return scanPut(upload, now);
  return lookPut(upload, now);
}

export function placePut(model: ModelName, version: SemVer, correlationId: CorrelationId, now: EpochMs): Change {
  const body: PlaceModel = { schema: 'place-model/1', model, version, correlationId };
  return outboxPut({ id: `place:${model}@${version}`, queue: 'placement', body }, now);
}
