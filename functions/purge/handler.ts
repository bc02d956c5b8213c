import { PurgeVersion } from '../../events/purge-version/v1.ts';
import { type PurgeDeps, purgeVersion } from '../../lib/deletion/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { purge } from './function.ts';

/** Read once per process: the prices ship with the release. */
const rates = compileRates(shippedPriceBook());

export function createPurgeHandler(deps: Omit<PurgeDeps, 'rates'> & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: purge,
    message: PurgeVersion,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      await purgeVersion({ ...deps, telemetry, rates }, message);
    },
  });
}
