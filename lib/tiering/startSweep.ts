import { OnceRow, outboxPut, settle, SWEEP_SHARDS } from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';

const REMEMBERED_MS = 30 * DAY_MS;

export interface StartSweepDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly settings: { readonly tierSweep: SweepMode };
}

/** Starts the sweep of one scheduled moment, once however often the schedule fires: one message per shard of the catalog. */
export async function startSweep(
  deps: StartSweepDeps,
  scheduledAt: EpochMs,
): Promise<'started' | 'started-before' | 'off'> {
  if (deps.settings.tierSweep === 'off') return 'off';
  const sweepId = `sweep-${scheduledAt}`;
  return settle(deps.catalog, sweepId, async () => {
    if ((await OnceRow.get(deps.catalog, 'sweep', sweepId)) !== undefined) {
      return { changes: [], answer: 'started-before' };
    }
    const now = deps.clock.now();
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    const changes = [OnceRow.put({ scope: 'sweep', id: sweepId, at: now, expiresAt }, 'absent')];
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
      const correlationId = CorrelationId.parse(sweepId);
      const body = { schema: 'sweep-shard/1', sweepId, scheduledAt, shard, correlationId };
      changes.push(outboxPut({ id: `${sweepId}-${shard}`, queue: 'sweep', body }, now));
    }
    return { changes, answer: 'started' };
  });
}
