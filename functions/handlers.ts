import type { Context } from 'aws-lambda';
import { createAccessesHandler } from './accesses/handler.ts';
import { createDigestHandler } from './digest/handler.ts';
import { createExpireUploadsHandler } from './expire-uploads/handler.ts';
import type { FunctionName } from './index.ts';
import { createHeartbeatsHandler } from './heartbeats/handler.ts';
import { createHostApiHandler } from './host-api/handler.ts';
import { createIngestHandler } from './ingest/handler.ts';
import { createMoveListedHandler } from './move-listed/handler.ts';
import { createPlacementHandler } from './placement/handler.ts';
import { createPurgeHandler } from './purge/handler.ts';
import { createReapHandler } from './reap/handler.ts';
import { createReceiptsHandler } from './receipts/handler.ts';
import { createReconcileHandler } from './reconcile/handler.ts';
import { createRefreshPricesHandler } from './refresh-prices/handler.ts';
import { createRelayHandler } from './relay/handler.ts';
import { createRestoreHandler } from './restore/handler.ts';
import { createRescanHandler } from './rescan/handler.ts';
import { createScanHandler } from './scan/handler.ts';
import { createSealAuditHandler } from './seal-audit/handler.ts';
import type { FunctionDeps } from './shared/deps.ts';
import type { QueueHandler } from './shared/queueHandler.ts';
import { createStartPurgeHandler } from './start-purge/handler.ts';
import { createStartRescanHandler } from './start-rescan/handler.ts';
import { createStartSweepHandler } from './start-sweep/handler.ts';
import { createSweepHandler } from './sweep/handler.ts';
import { createSweepInventoryHandler } from './sweep-inventory/handler.ts';
import { createSweepOrphansHandler } from './sweep-orphans/handler.ts';
import { createTransitionHandler } from './transition/handler.ts';
import { createWatchRestoresHandler } from './watch-restores/handler.ts';

/** How a runtime other than Lambda calls a function: with the very envelope that its trigger would send. */
export type Handler = QueueHandler | ((event: unknown, context: Context) => Promise<unknown>);

/** Makes one function's handler over one set of dependencies. */
export const HANDLERS: Readonly<Record<FunctionName, (deps: FunctionDeps) => Handler>> = {
  accesses: createAccessesHandler,
  digest: createDigestHandler,
  'expire-uploads': createExpireUploadsHandler,
  heartbeats: createHeartbeatsHandler,
  'host-api': createHostApiHandler,
  ingest: createIngestHandler,
  'move-listed': createMoveListedHandler,
  placement: createPlacementHandler,
  purge: createPurgeHandler,
  reap: createReapHandler,
  receipts: createReceiptsHandler,
  reconcile: createReconcileHandler,
  'refresh-prices': createRefreshPricesHandler,
  relay: createRelayHandler,
  restore: createRestoreHandler,
  rescan: createRescanHandler,
  scan: createScanHandler,
  'seal-audit': createSealAuditHandler,
  'start-purge': createStartPurgeHandler,
  'start-rescan': createStartRescanHandler,
  'start-sweep': createStartSweepHandler,
  sweep: createSweepHandler,
  'sweep-inventory': createSweepInventoryHandler,
  'sweep-orphans': createSweepOrphansHandler,
  transition: createTransitionHandler,
  'watch-restores': createWatchRestoresHandler,
};

/** Every handler by its function's name, for runtimes that hold all functions in one process. */
export function createHandlers(deps: FunctionDeps): Readonly<Record<string, Handler>> {
  return Object.fromEntries(Object.entries(HANDLERS).map(([name, create]) => [name, create(deps)]));
}
