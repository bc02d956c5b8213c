import * as z from 'zod/mini';
import { FenceHost } from '../../events/fence-host/v1.ts';
import { PlaceHost } from '../../events/place-host/v1.ts';
import { PlaceModel } from '../../events/place-model/v1.ts';
import { WithdrawBlob } from '../../events/withdraw-blob/v1.ts';
import {
  type FenceDeps,
  fenceHost,
  type PlacementDeps,
  placeHost,
  placeModel,
  withdrawBlob,
} from '../../lib/fleet/index.ts';
import { createHostDemand } from '../../lib/accesses/index.ts';
import { PLACEMENT_BY_DOLLARS, SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import type { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { placement } from './function.ts';

const POLICIES = { subscriptions: SUBSCRIPTIONS, dollars: PLACEMENT_BY_DOLLARS } as const;

const Message = z.discriminatedUnion('schema', [PlaceModel, PlaceHost, FenceHost, WithdrawBlob]);

export function createPlacementHandler(
  deps: FenceDeps &
    Omit<PlacementDeps, 'rates' | 'policy' | 'demandOf'> &
    PricesDeps &
    QueueHandlerDeps & { readonly settings: { readonly placementPolicy: PlacementPolicyName } },
): QueueHandler {
  const demandOf = createHostDemand(deps);
  const pricesInForce = createPricesInForce(deps);
  const policy = POLICIES[deps.settings.placementPolicy];
  return queueHandler(deps, {
    declaration: placement,
    message: Message,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry, remainingMs }) => {
      const given = { ...deps, telemetry, rates: await pricesInForce(), policy, demandOf };
      switch (message.schema) {
        case 'place-model/1':
          return void (await placeModel(given, message, remainingMs));
        case 'place-host/1':
          return void (await placeHost(given, message));
        case 'withdraw-blob/1':
          return void (await withdrawBlob(given, message));
        case 'fence-host/1':
          return void (await fenceHost(given, message));
      }
    },
  });
}
