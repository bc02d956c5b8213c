import type { RescanPage } from '../../events/rescan/v1.ts';
import { OnceRow, outboxPut, settle, SWEEP_SHARDS } from '../catalog/index.ts';
import { policyDigest } from '../scanning/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import type { IngestDeps } from './deps.ts';

/** Then the same rules are gone over once more, for what an older release may have written meanwhile. */
const REMEMBERED_MS = 30 * DAY_MS;
/** Calls of the release before have ended by then, so that nothing is judged by its rules behind the pages. */
const AFTER_DEPLOYMENT_SECONDS = 900;

export interface RescanStart {
  readonly rescanId: string;
  readonly started: boolean;
}

/** Starts a re-scan of everything that other rules or another policy judged, once however often it is asked for. */
export function startDueRescan(
  deps: Pick<IngestDeps, 'catalog' | 'clock' | 'scanner' | 'settings'>,
): Promise<RescanStart> {
  const rescanId = `${deps.scanner.rules}.${policyDigest(deps.settings.scanPolicy)}`;
  return start(deps, rescanId, false, AFTER_DEPLOYMENT_SECONDS);
}

/** Starts a re-scan of everything at once, for an operator. */
export function startRescan(deps: { readonly catalog: CatalogStore; readonly clock: Clock }): Promise<RescanStart> {
  return start(deps, `operator.${deps.clock.now()}`, true, 0);
}

async function start(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  rescanId: string,
  all: boolean,
  delaySeconds: number,
): Promise<RescanStart> {
  return settle<RescanStart>(catalog, 'The re-scan', async () => {
    if ((await OnceRow.get(catalog, 'rescan', rescanId)) !== undefined) {
      return { changes: [], answer: { rescanId, started: false } };
    }
    const now = clock.now();
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    const changes: Change[] = [OnceRow.put({ scope: 'rescan', id: rescanId, at: now, expiresAt }, 'absent')];
    const send = (of: RescanPage['of'], shard: number) => {
      const correlationId = CorrelationId.parse(`rescan-${rescanId}`);
      const body: RescanPage = { schema: 'rescan-page/1', rescanId, of, shard, all, correlationId };
      changes.push(outboxPut({ id: `rescan-${rescanId}-${of}-${shard}`, queue: 'rescan', body, delaySeconds }, now));
    };
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) send('blobs', shard);
    send('quarantine', 0);
    return { changes, answer: { rescanId, started: true } };
  });
}
