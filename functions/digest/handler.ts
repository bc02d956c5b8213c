import { DigestUpload } from '../../events/digest-upload/v1.ts';
import { digestUpload, type IngestDeps } from '../../lib/ingest/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createDigestHandler(deps: IngestDeps & HandlerDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'digest',
    message: DigestUpload,
    correlationId: (message) => message.correlationId,
    handle: (message, delivery) => digestUpload(deps, message, delivery),
  });
}
