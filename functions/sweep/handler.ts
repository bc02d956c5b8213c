import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { type SweepDeps, sweepShard } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { sweep } from './function.ts';

/** Read once per process: the prices ship with the release. */
const rates = compileRates(shippedPriceBook());

export function createSweepHandler(deps: Omit<SweepDeps, 'rates'> & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: sweep,
    message: SweepShard,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      await sweepShard({ ...deps, telemetry, rates }, message);
    },
  });
}
