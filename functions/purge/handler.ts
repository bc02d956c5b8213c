import * as z from 'zod/mini';
import { PurgeBlob } from '../../events/purge-blob/v1.ts';
import { PurgeVersion } from '../../events/purge-version/v1.ts';
import { type PurgeDeps, purgeForgotten, purgeVersion } from '../../lib/deletion/index.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { purge } from './function.ts';

const Message = z.union([PurgeVersion, PurgeBlob]);

export function createPurgeHandler(deps: Omit<PurgeDeps, 'rates'> & PricesDeps & QueueHandlerDeps): QueueHandler {
  const pricesInForce = createPricesInForce(deps);
  return queueHandler(deps, {
    declaration: purge,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      const purgeDeps = { ...deps, telemetry, rates: await pricesInForce() };
      if (message.schema === 'purge-blob/1') await purgeForgotten(purgeDeps, message);
      else await purgeVersion(purgeDeps, message);
    },
  });
}
