import * as z from 'zod/mini';
import { RestoreNotification } from '../../events/aws/objectRestored.v1.ts';
import { RestoreBlob } from '../../events/restore-blob/v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { lookAfterRestore, type RestoreDeps, type RestoreLimits } from '../../lib/restores/index.ts';
import { blobDigestOf } from '../../lib/shared/digest.ts';
import { CorrelationId, type Digest } from '../../lib/shared/ids.ts';
import { judgeRestored, type SweepSettings } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { restore } from './function.ts';

const Message = z.union([RestoreBlob, RestoreNotification]);

export function createRestoreHandler(
  deps: Omit<RestoreDeps, 'rates' | 'judge' | 'settings'> &
    PricesDeps &
    QueueHandlerDeps & { readonly settings: SweepSettings & RestoreLimits & { readonly region: string } },
): QueueHandler {
  const pricesInForce = createPricesInForce(deps);
  const judge: RestoreDeps['judge'] = (blob, rates, now) => judgeRestored(deps, blob, rates, now);
  return queueHandler(deps, {
    declaration: restore,
    message: Message,
    correlationId: (message) => ('schema' in message ? message.correlationId : CorrelationId.parse(message.id)),
    handle: async (message, { telemetry }) => {
      const digest = digestOf(message);
      // Restores of other objects under `blobs/` are somebody else's.
      if (digest === undefined) return;
      await lookAfterRestore({ ...deps, telemetry, judge, rates: await pricesInForce() }, digest);
    },
  });
}

function digestOf(message: RestoreBlob | RestoreNotification): Digest | undefined {
  return 'schema' in message ? message.digest : blobDigestOf(message.detail.object.key);
}
