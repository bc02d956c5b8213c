import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import { InventoryBatch } from '../../events/aws/inventoryBatch.v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { type SweepDeps, sweepInventory as decideAll } from '../../lib/tiering/index.ts';
import { type HandlerDeps, invocationOf } from '../shared/invocation.ts';
import { reportFailure, WITHOUT_TIMER } from '../shared/middleware.ts';
import { sweepInventory } from './function.ts';

/** How many blobs were decided about for which reason: what the map run keeps of a batch. */
export type SweepInventoryHandler = (event: unknown, context: Context) => Promise<Readonly<Record<string, number>>>;

export function createSweepInventoryHandler(
  deps: Omit<SweepDeps, 'rates'> & PricesDeps & HandlerDeps,
): SweepInventoryHandler {
  const pricesInForce = createPricesInForce(deps);
  return createMiddy<unknown, Readonly<Record<string, number>>>(WITHOUT_TIMER)
    .use(reportFailure(deps, sweepInventory.name))
    .handler(async (event: unknown, context: Context) => {
      const batch = InventoryBatch.safeParse(event);
      if (!batch.success) {
        throw new ContractError({
          code: 'invalid-message',
          message:
            'The call is no batch of an inventory: check the state machine’s ItemBatcher and the inventory’s fields.',
          retryable: false,
          cause: batch.error,
        });
      }
      const { BatchInput: run, Items: rows } = batch.data;
      const telemetry = invocationOf(deps, sweepInventory.name, context).telemetry.with({
        correlationId: run.correlationId,
      });
      const objects = rows.map(({ Key, LastModifiedDate, Size }) => ({
        key: decodeURIComponent(Key),
        bytes: Size,
        since: LastModifiedDate,
      }));
      return Object.fromEntries(await decideAll({ ...deps, telemetry, rates: await pricesInForce() }, run, objects));
    });
}
