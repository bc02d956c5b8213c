import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type ReceiptDeps, settleReceipt } from '../../lib/fleet/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { receipts } from './function.ts';

export function createReceiptsHandler(deps: ReceiptDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: receipts,
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await settleReceipt({ ...deps, telemetry }, envelope);
    },
  });
}
