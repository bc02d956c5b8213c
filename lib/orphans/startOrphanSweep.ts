import type { SweepOrphans } from '../../events/sweep-orphans/v1.ts';
import { sendOnce } from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import type { EpochMs } from '../shared/units.ts';

export interface StartOrphanSweepDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly settings: { readonly orphanSweep: SweepMode };
}

/** Starts the sweep of one scheduled moment, once however often the schedule fires. */
export async function startOrphanSweep(
  deps: StartOrphanSweepDeps,
  scheduledAt: EpochMs,
): Promise<'started' | 'started-before' | 'off'> {
  if (deps.settings.orphanSweep === 'off') return 'off';
  const sweepId = `orphans-${scheduledAt}`;
  const correlationId = CorrelationId.parse(sweepId);
  const body: SweepOrphans = { schema: 'sweep-orphans/1', sweepId, scheduledAt, correlationId };
  const sent = await sendOnce(deps, { scope: 'sweep-orphans', id: sweepId }, { queue: 'sweep-orphans', body });
  return sent ? 'started' : 'started-before';
}
