import { ScanUpload } from '../../events/scan-upload/v1.ts';
import { type IngestDeps, scanUpload } from '../../lib/ingest/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { scan } from './function.ts';

export function createScanHandler(deps: IngestDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: scan,
    message: ScanUpload,
    correlationId: (message) => message.correlationId,
    handle: (message, delivery) => scanUpload(deps, message, delivery),
  });
}
