import { DigestUpload } from '../../events/digest-upload/v1.ts';
import { digestUpload, type IngestDeps } from '../../lib/ingest/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { digest } from './function.ts';

export function createDigestHandler(deps: IngestDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: digest,
    message: DigestUpload,
    correlationId: (message) => message.correlationId,
    handle: (message, delivery) => digestUpload(deps, message, delivery),
  });
}
