import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type ReceiptDeps, settleReceipt } from '../../lib/fleet/index.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createReceiptsHandler(deps: ReceiptDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'receipts',
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await settleReceipt({ ...deps, telemetry }, envelope);
    },
  });
}
