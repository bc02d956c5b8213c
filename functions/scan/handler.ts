import { ScanUpload } from '../../events/scan-upload/v1.ts';
import { type IngestDeps, scanUpload } from '../../lib/ingest/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createScanHandler(deps: IngestDeps & HandlerDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'scan',
    message: ScanUpload,
    correlationId: (message) => message.correlationId,
    handle: (message, delivery) => scanUpload(deps, message, delivery),
  });
}
