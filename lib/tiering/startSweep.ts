import { OnceRow, outboxPut, settle, SWEEP_SHARDS } from '../catalog/index.ts';
import { beginExpiries, type ExpirySettings, mayExpire } from '../expiry/index.ts';
import { keepOwnBook, type OwnBookSettings } from '../priceBooks/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { closeInventorySweeps } from './accrueInventory.ts';
import { decideSweepPath, estimateBlobs } from './decideSweepPath.ts';
import { hasWork, noteSettings, reviewPolicy } from './policyInForce.ts';
import { keepForWaiting } from './keepForWaiting.ts';
import type { DatedLimits } from './sweepBudget.ts';
import { type SweepSettings, tierSettings } from './sweepSettings.ts';

const REMEMBERED_MS = 30 * DAY_MS;

/**
 * Starts sweeps over the bucket's inventory, where a deployment has one. Guarantee: of several starts under one name, one sweep runs; a
 * start whose answer was lost is asked for again. Throws `PortError`.
 */
export interface InventorySweeps {
  start(name: string, input: InventorySweepInput): Promise<void>;
}

export interface InventorySweepInput {
  readonly sweepId: string;
  readonly scheduledAt: EpochMs;
  readonly correlationId: CorrelationId;
}

export interface StartSweepDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Absent where there is no inventory: a runtime in one process, a catalog scan is enough for it. */
  readonly inventorySweeps?: InventorySweeps | undefined;
  readonly settings: ExpirySettings &
    TierSettings &
    Pick<OwnBookSettings, 'ownBook'> &
    Pick<SweepSettings, 'sweepBudgetUsd' | 'sweepMostMoves'> & { readonly sweepInventoryFrom: number };
}

/**
 * Starts the sweep of one scheduled moment, once however often the schedule fires: one message per shard of the catalog or, of very
 * many blobs, one run over the inventory; none while nothing that may decide is in force. Should a repeated firing choose the other way, both decide under the same ids and limits.
 */
export async function startSweep(
  deps: StartSweepDeps,
  scheduledAt: EpochMs,
): Promise<'started' | 'started-over-inventory' | 'started-before' | 'looking' | 'off'> {
  const { ownBook } = deps.settings;
  if (ownBook !== undefined) await keepOwnBook(deps.catalog, ownBook);
  await noteSettings(deps.catalog, deps.settings, scheduledAt);
  if (deps.settings.tierSweep === 'off') return 'off';
  const sweepId = `sweep-${scheduledAt}`;
  if ((await OnceRow.get(deps.catalog, 'sweep', sweepId)) !== undefined) return 'started-before';
  await closeInventorySweeps(deps, scheduledAt);
  const { tierPolicy, tierSweep } = deps.settings;
  const wanted = { policy: tierPolicy, settings: tierSettings(deps.settings) };
  if (await mayExpire(deps)) await beginExpiries(deps, scheduledAt);
  const policy = tierSweep === 'on' ? await reviewPolicy(deps, wanted, scheduledAt) : undefined;
  if (policy !== undefined && !hasWork(policy)) return beginOnce(deps, sweepId, async () => [], 'looking');
  const { path, reason, blobs } = decideSweepPath({
    blobs: await estimateBlobs(deps.catalog),
    inventory: deps.inventorySweeps !== undefined,
    inventoryFromBlobs: deps.settings.sweepInventoryFrom,
  });
  deps.telemetry.info('sweep', { sweepId, path, reason, blobs });
  const started = { sweepId, scheduledAt, correlationId: CorrelationId.parse(sweepId) };
  // Before it is remembered: a start that was killed in between is asked for again under the same name.
  if (path === 'inventory') await deps.inventorySweeps?.start(sweepId, started);
  const kept = async (now: EpochMs) =>
    tierSweep === 'on' ? keepForWaiting(deps, limitsOf(deps.settings, scheduledAt), now) : [];
  if (path === 'inventory') return beginOnce(deps, sweepId, kept, 'started-over-inventory');
  return beginOnce(deps, sweepId, async (now) => [...shardMessages(started, now), ...(await kept(now))], 'started');
}

/** Remembers the sweep in the write that begins it. */
function beginOnce<Answer>(
  { catalog, clock }: Pick<StartSweepDeps, 'catalog' | 'clock'>,
  sweepId: string,
  begun: (now: EpochMs) => Promise<readonly Change[]>,
  answer: Answer,
): Promise<Answer | 'started-before'> {
  return settle<Answer | 'started-before'>(catalog, sweepId, async () => {
    const before = await OnceRow.get(catalog, 'sweep', sweepId);
    if (before !== undefined) return { changes: [], answer: 'started-before' };
    const now = clock.now();
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    const once = OnceRow.put({ scope: 'sweep', id: sweepId, at: now, expiresAt }, 'absent');
    return { changes: [once, ...(await begun(now))], answer };
  });
}

function shardMessages(started: InventorySweepInput, now: EpochMs): readonly Change[] {
  return Array.from({ length: SWEEP_SHARDS }, (_, shard) => {
    const body = { schema: 'sweep-shard/1', ...started, shard };
    return outboxPut({ id: `${started.sweepId}-${shard}`, queue: 'sweep', body }, now);
  });
}

function limitsOf({ sweepBudgetUsd, sweepMostMoves }: StartSweepDeps['settings'], at: EpochMs): DatedLimits {
  return { at, limits: { budgetUsd: sweepBudgetUsd, mostMoves: sweepMostMoves } };
}
