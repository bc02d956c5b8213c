import * as z from 'zod/mini';
import { AlignVersion, RescanBlob, RescanPage, RescanUpload } from '../../events/rescan/v1.ts';
import { alignVersion, type IngestDeps, rescanBlob, rescanPage, rescanUpload } from '../../lib/ingest/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { rescan } from './function.ts';

const Message = z.discriminatedUnion('schema', [RescanPage, RescanBlob, RescanUpload, AlignVersion]);

export function createRescanHandler(deps: IngestDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: rescan,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, delivery) => {
      switch (message.schema) {
        case 'rescan-page/1':
          return void (await rescanPage(deps, message));
        case 'rescan-blob/1':
          return rescanBlob(deps, message, delivery);
        case 'rescan-upload/1':
          return rescanUpload(deps, message, delivery);
        case 'align-version/1':
          return alignVersion(deps, message, delivery);
      }
    },
  });
}
