import * as z from 'zod/mini';
import { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import { ExpireVersions } from '../../events/expire-versions/v1.ts';
import { LookAtPolicy } from '../../events/look-at-policy/v1.ts';
import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { expireVersions } from '../../lib/expiry/index.ts';
import { accrueAllowance, lookAtPolicy, type SweepDeps, sweepShard } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { sweep } from './function.ts';

const Message = z.union([SweepShard, AccrueAllowance, ExpireVersions, LookAtPolicy]);

export function createSweepHandler(deps: Omit<SweepDeps, 'rates'> & PricesDeps & QueueHandlerDeps): QueueHandler {
  const pricesInForce = createPricesInForce(deps);
  return queueHandler(deps, {
    declaration: sweep,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      const rates = await pricesInForce();
      switch (message.schema) {
        case 'sweep-shard/1':
          return void (await sweepShard({ ...deps, telemetry, rates }, message));
        case 'accrue-allowance/1':
          return accrueAllowance({ ...deps, rates }, message);
        case 'look-at-policy/1':
          return lookAtPolicy({ ...deps, telemetry, rates }, message);
        case 'expire-versions/1':
          return expireVersions({ ...deps, telemetry, rates }, message);
      }
    },
  });
}
