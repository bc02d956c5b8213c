import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { InventoryBatch } from '../../events/aws/inventoryBatch.v1.ts';
import { InventoryEnd } from '../../events/aws/inventoryEnd.v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { endInventory, type SweepDeps, sweepInventory as analyseAll } from '../../lib/tiering/index.ts';
import { type HandlerDeps, invocationOf } from '../shared/invocation.ts';
import { reportFailure, WITHOUT_TIMER } from '../shared/middleware.ts';
import { sweepInventory } from './function.ts';

/** How many blobs were decided about for which reason: what the map run keeps of a batch; nothing of its end. */
export type SweepInventoryHandler = (event: unknown, context: Context) => Promise<Readonly<Record<string, number>>>;

const Call = z.union([InventoryBatch, InventoryEnd]);

export function createSweepInventoryHandler(
  deps: Omit<SweepDeps, 'rates'> & PricesDeps & HandlerDeps,
): SweepInventoryHandler {
  const pricesInForce = createPricesInForce(deps);
  return createMiddy<unknown, Readonly<Record<string, number>>>(WITHOUT_TIMER)
    .use(reportFailure(deps, sweepInventory.name))
    .handler(async (event: unknown, context: Context) => {
      const call = Call.safeParse(event);
      if (!call.success) {
        throw new ContractError({
          code: 'invalid-message',
          message:
            'The call is no batch of an inventory: check the state machine’s ItemBatcher and the inventory’s fields.',
          retryable: false,
          cause: call.error,
        });
      }
      const run = 'EndOf' in call.data ? call.data.EndOf : call.data.BatchInput;
      const telemetry = invocationOf(deps, sweepInventory.name, context).telemetry.with({
        correlationId: run.correlationId,
      });
      const sweep = { ...deps, telemetry, rates: await pricesInForce() };
      if ('EndOf' in call.data) {
        await endInventory(sweep, run);
        return {};
      }
      const objects = call.data.Items.map(({ Key, LastModifiedDate, Size }) => ({
        key: decodeURIComponent(Key),
        bytes: Size,
        since: LastModifiedDate,
      }));
      return Object.fromEntries(await analyseAll(sweep, run, objects));
    });
}
