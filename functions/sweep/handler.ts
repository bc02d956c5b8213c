import * as z from 'zod/mini';
import { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import { SweepShard } from '../../events/sweep-shard/v1.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { accrueAllowance, type SweepDeps, sweepShard } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { sweep } from './function.ts';

/** Read once per process: the prices ship with the release. */
const rates = compileRates(shippedPriceBook());

const Message = z.union([SweepShard, AccrueAllowance]);

export function createSweepHandler(deps: Omit<SweepDeps, 'rates'> & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: sweep,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry }) => {
      if (message.schema === 'sweep-shard/1') await sweepShard({ ...deps, telemetry, rates }, message);
      else await accrueAllowance({ ...deps, rates }, message);
    },
  });
}
