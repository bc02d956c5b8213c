import type { Context } from 'aws-lambda';
import { createAccessesHandler } from './accesses/handler.ts';
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
import { createStartSweepHandler } from './start-sweep/handler.ts';
import { createSweepHandler } from './sweep/handler.ts';
import { createTransitionHandler } from './transition/handler.ts';

/** How a runtime other than Lambda calls a function: with the very envelope that its trigger would send. */
export type Handler = QueueHandler | ((event: unknown, context: Context) => Promise<unknown>);

/** Every handler over one set of dependencies, for runtimes that hold all functions in one process. */
export function createHandlers(deps: FunctionDeps): Readonly<Record<FunctionName, Handler>> {
  return {
    accesses: createAccessesHandler(deps),
    digest: createDigestHandler(deps),
    heartbeats: createHeartbeatsHandler(deps),
    'host-api': createHostApiHandler(deps),
    ingest: createIngestHandler(deps),
    placement: createPlacementHandler(deps),
    reap: createReapHandler(deps),
    receipts: createReceiptsHandler(deps),
    reconcile: createReconcileHandler(deps),
    relay: createRelayHandler(deps),
    'start-sweep': createStartSweepHandler(deps),
    sweep: createSweepHandler(deps),
    transition: createTransitionHandler(deps),
  };
}
