import type { UploadNotification } from '../../events/aws/eventBridgeS3.v1.ts';
import type { ObserveUpload } from '../../events/observe-upload/v1.ts';
import type { Notification, Observation } from '../../lib/ingest/index.ts';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** The envelope's part that ingest knows of. The event's id is the cause that everything after it is joined by. */
export function observationOf(message: UploadNotification | ObserveUpload): Observation {
  if ('schema' in message) {
    return { rawKey: message.key, notification: { kind: 'look' }, correlationId: message.correlationId };
  }
  const { object } = message.detail;
  return {
    rawKey: object.key,
    notification: notificationOf(message),
    correlationId: CorrelationId.parse(message.id),
  };
}

function notificationOf(message: UploadNotification): Notification {
  const { sequencer, 'version-id': versionId } = message.detail.object;
  // Events that name no order or version, and removals of single versions, say only that something happened to the key.
  if (sequencer === undefined || message.detail['deletion-type'] === 'Permanently Deleted') return { kind: 'look' };
  if (message['detail-type'] === 'Object Deleted') return { kind: 'deleted', sequencer };
  return versionId === undefined ? { kind: 'look' } : { kind: 'created', versionId, sequencer };
}
