import type { ExpireVersions } from '../../events/expire-versions/v1.ts';
import {
  type Decided,
  type ExpiryCandidate,
  ExpiryRow,
  type ExpiryRun,
  ExpiryRunRow,
  expectationOf,
  OnceRow,
  sendOnce,
  settle,
  SWEEP_SHARDS,
} from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../shared/units.ts';

/*
 * The last group of a sweep by the lifecycle preset. While storage classes are decided, versions that may go are written down under the
 * sweep's run. When every shard was decided, one message has them looked at again and deleted; of a sweep
 * whose shards never ended, the next sweep's start sends it.
 */

const REMEMBERED_MS = 30 * DAY_MS;
/** Reports of a year. */
const REPORTED_MS = 400 * DAY_MS;
const RUNS_LOOKED_AT = 30;

interface RunDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

export function newRun(runId: string, now: EpochMs): ExpiryRun {
  const expiresAt = EpochMs.parse(now + REPORTED_MS);
  const nothing = {
    versions: 0,
    bytes: Bytes.parse(0),
    savedUsdPerMonth: Usd.parse(0),
    earlyDeletionUsd: Usd.parse(0),
  };
  return { runId, state: 'found', foundAt: now, ...nothing, expiresAt };
}

/** The changes that write a version down for the end of the sweep; none where that was done. */
export async function foundChanges(
  { catalog, clock }: RunDeps,
  found: Pick<ExpiryCandidate, 'runId' | 'model' | 'version'>,
): Promise<readonly Change[]> {
  const { model, runId, version } = found;
  if ((await ExpiryRow.get(catalog, runId, model, version)) !== undefined) return [];
  const now = clock.now();
  const run = await ExpiryRunRow.get(catalog, runId);
  const candidate = { ...found, foundAt: now, expiresAt: EpochMs.parse(now + REMEMBERED_MS) };
  return [
    ExpiryRow.put(candidate, 'absent'),
    ...(run === undefined ? [ExpiryRunRow.put(newRun(runId, now), 'absent')] : []),
  ];
}

/** Notes that one shard of a sweep was decided, once however often its end is delivered; the last one begins the deletes. */
export async function endShard(deps: RunDeps, runId: string, shard: number): Promise<void> {
  const name = (one: number): string => `${runId} ${one}`;
  await settle(deps.catalog, `Ending shard ${shard}`, async () => {
    if ((await OnceRow.get(deps.catalog, 'swept', name(shard))) !== undefined)
      return { changes: [], answer: undefined };
    const at = deps.clock.now();
    const expiresAt = EpochMs.parse(at + REMEMBERED_MS);
    return { changes: [OnceRow.put({ scope: 'swept', id: name(shard), at, expiresAt }, 'absent')], answer: undefined };
  });
  // After its own note: of shards that end at once, the last to write sees all.
  for (let one = 0; one < SWEEP_SHARDS; one += 1) {
    if ((await OnceRow.get(deps.catalog, 'swept', name(one))) === undefined) return;
  }
  if ((await ExpiryRunRow.get(deps.catalog, runId)) !== undefined) await begin(deps, runId);
}

/** Begins the deletes of earlier sweeps that have none of their own accord. */
export async function beginExpiries(deps: RunDeps, before: EpochMs): Promise<void> {
  const page = await deps.catalog.queryIndex('listing', {
    partition: 'EXPIRYRUNS',
    limit: RUNS_LOOKED_AT,
    descending: true,
  });
  for (const item of page.items) {
    const { foundAt, runId, state } = ExpiryRunRow.parse(item).value;
    if (state === 'found' && foundAt < before) await begin(deps, runId);
  }
}

async function begin(deps: RunDeps, runId: string): Promise<void> {
  const correlationId = CorrelationId.parse(`expire-${runId}`);
  const body: ExpireVersions = { schema: 'expire-versions/1', runId, correlationId };
  await sendOnce(deps, { scope: 'expire-versions', id: runId }, { queue: 'sweep', body });
}

export async function endRun({ catalog }: Pick<RunDeps, 'catalog'>, runId: string): Promise<Decided<void>> {
  const run = await ExpiryRunRow.get(catalog, runId);
  if (run === undefined || run.value.state === 'ended') return { changes: [], answer: undefined };
  return { changes: [ExpiryRunRow.put({ ...run.value, state: 'ended' }, expectationOf(run))], answer: undefined };
}
