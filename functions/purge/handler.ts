import * as z from 'zod/mini';
import { PurgeBlob } from '../../events/purge-blob/v1.ts';
import { PurgeVersion } from '../../events/purge-version/v1.ts';
import { type PurgeDeps, purgeForgotten, purgeVersion } from '../../lib/deletion/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { purge } from './function.ts';

/** Read once per process: the prices ship with the release. */
const rates = compileRates(shippedPriceBook());

const Message = z.union([PurgeVersion, PurgeBlob]);

export function createPurgeHandler(deps: Omit<PurgeDeps, 'rates'> & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: purge,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      const purgeDeps = { ...deps, telemetry, rates };
      if (message.schema === 'purge-blob/1') await purgeForgotten(purgeDeps, message);
      else await purgeVersion(purgeDeps, message);
    },
  });
}
