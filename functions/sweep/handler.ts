import * as z from 'zod/mini';
import { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { accrueAllowance, type SweepDeps, sweepShard } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { sweep } from './function.ts';

const Message = z.union([SweepShard, AccrueAllowance]);

export function createSweepHandler(deps: Omit<SweepDeps, 'rates'> & PricesDeps & QueueHandlerDeps): QueueHandler {
  const pricesInForce = createPricesInForce(deps);
  return queueHandler(deps, {
    declaration: sweep,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      const rates = await pricesInForce();
      if (message.schema === 'sweep-shard/1') await sweepShard({ ...deps, telemetry, rates }, message);
      else await accrueAllowance({ ...deps, rates }, message);
    },
  });
}
