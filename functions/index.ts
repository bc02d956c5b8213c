import { accesses } from './accesses/function.ts';
import { digest } from './digest/function.ts';
import { expireUploads } from './expire-uploads/function.ts';
import { heartbeats } from './heartbeats/function.ts';
import { hostApi } from './host-api/function.ts';
import { ingest } from './ingest/function.ts';
import { moveListed } from './move-listed/function.ts';
import { placement } from './placement/function.ts';
import { purge } from './purge/function.ts';
import { reap } from './reap/function.ts';
import { receipts } from './receipts/function.ts';
import { reconcile } from './reconcile/function.ts';
import { relay } from './relay/function.ts';
import { refreshPrices } from './refresh-prices/function.ts';
import { restore } from './restore/function.ts';
import { sealAudit } from './seal-audit/function.ts';
import { startPurge } from './start-purge/function.ts';
import { rescan } from './rescan/function.ts';
import { scan } from './scan/function.ts';
import { startRescan } from './start-rescan/function.ts';
import { startSweep } from './start-sweep/function.ts';
import { sweep } from './sweep/function.ts';
import { sweepInventory } from './sweep-inventory/function.ts';
import { sweepOrphans } from './sweep-orphans/function.ts';
import { transition } from './transition/function.ts';
import { watchRestores } from './watch-restores/function.ts';

/** Every function of the product; what it is started by, may do and costs is in its declaration. */
export const FUNCTIONS = [
  accesses,
  digest,
  expireUploads,
  heartbeats,
  hostApi,
  ingest,
  moveListed,
  placement,
  purge,
  reap,
  receipts,
  reconcile,
  refreshPrices,
  relay,
  restore,
  rescan,
  scan,
  sealAudit,
  startPurge,
  startRescan,
  startSweep,
  sweep,
  sweepInventory,
  sweepOrphans,
  transition,
  watchRestores,
] as const;
export type FunctionName = (typeof FUNCTIONS)[number]['name'];
