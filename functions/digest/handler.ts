import { DigestUpload } from '../../events/digest-upload/v1.ts';
import { digestUpload, type IngestDeps, type PublishedBytes } from '../../lib/ingest/index.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { firstPlace, type FirstPlaceDeps } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { digest } from './function.ts';

type DigestHandlerDeps = IngestDeps & PricesDeps & QueueHandlerDeps & Pick<FirstPlaceDeps, 'settings'>;

export function createDigestHandler(deps: DigestHandlerDeps): QueueHandler {
  const rates = createPricesInForce(deps);
  return queueHandler(deps, {
    declaration: digest,
    message: DigestUpload,
    correlationId: (message) => message.correlationId,
    handle: (message, delivery) => {
      const { telemetry } = delivery;
      const place = (published: PublishedBytes) => firstPlace({ ...deps, telemetry, rates }, published);
      return digestUpload({ ...deps, firstPlace: place }, message, delivery);
    },
  });
}
