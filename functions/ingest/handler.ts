import * as z from 'zod/mini';
import { UploadNotification } from '../../events/aws/eventBridgeS3.v1.ts';
import { ObserveUpload } from '../../events/observe-upload/v1.ts';
import { type IngestDeps, observeUpload } from '../../lib/ingest/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { observationOf } from './observationOf.ts';
import { ingest } from './function.ts';

const Message = z.union([UploadNotification, ObserveUpload]);

export function createIngestHandler(deps: IngestDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: ingest,
    message: Message,
    correlationId: (message) => observationOf(message).correlationId,
    handle: (message, delivery) => observeUpload(deps, observationOf(message), delivery),
  });
}
