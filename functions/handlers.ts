import type { Context } from 'aws-lambda';
import { createDigestHandler } from './digest/handler.ts';
import type { FunctionName } from './index.ts';
import { createHeartbeatsHandler } from './heartbeats/handler.ts';
import { createHostApiHandler } from './host-api/handler.ts';
import { createIngestHandler } from './ingest/handler.ts';
import { createPlacementHandler } from './placement/handler.ts';
import { createReapHandler } from './reap/handler.ts';
import { createReceiptsHandler } from './receipts/handler.ts';
import { createReconcileHandler } from './reconcile/handler.ts';
import { createRelayHandler } from './relay/handler.ts';
import type { FunctionDeps } from './shared/deps.ts';
import type { QueueHandler } from './shared/queueHandler.ts';

/** How a runtime other than Lambda calls a function: with the very envelope that its trigger would send. */
export type Handler = QueueHandler | ((event: unknown, context: Context) => Promise<unknown>);

/** Every handler over one set of dependencies, for runtimes that hold all functions in one process. */
export function createHandlers(deps: FunctionDeps): Readonly<Record<FunctionName, Handler>> {
  return {
    digest: createDigestHandler(deps),
    heartbeats: createHeartbeatsHandler(deps),
    'host-api': createHostApiHandler(deps),
    ingest: createIngestHandler(deps),
    placement: createPlacementHandler(deps),
    reap: createReapHandler(deps),
    receipts: createReceiptsHandler(deps),
    reconcile: createReconcileHandler(deps),
    relay: createRelayHandler(deps),
  };
}
