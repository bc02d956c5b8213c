import { type Blob, ServiceLevelRow } from '../catalog/index.ts';
import { isReadAtOnce } from '../placement/index.ts';
import type { CorrelationId, ModelName, StorageClass } from '../shared/ids.ts';
import { HOUR_MS } from '../shared/units.ts';
import { type AskDeps, type AskedRestore, askRestore } from './askRestore.ts';
import type { LimitedRestore, RestoreLimits } from './restoreBudget.ts';

export interface ArchivedWish {
  readonly model: ModelName;
  readonly blobs: readonly Blob[];
  readonly reason: 'read' | 'operator';
  readonly correlationId: CorrelationId;
  /** When it must be readable; without it what the model's service level says, else a few hours. */
  readonly withinMs?: number | undefined;
  readonly limits: RestoreLimits | undefined;
  readonly dryRun?: boolean;
}

export interface RestoresAsked {
  readonly asked: readonly AskedRestore[];
  /** What was not begun now, for what it would have cost; the others were. */
  readonly refused: readonly LimitedRestore[];
}

/** Somebody waits: a standard restore of GLACIER is in time, a bulk one is not. */
const READ_WITHIN_MS = 6 * HOUR_MS;
/** Where it goes is decided when it can be read; the row names a class that is read at once for no fee until then. */
const RESTORED_CLASS: StorageClass = 'INTELLIGENT_TIERING';

/**
 * Begins to bring back what is archived or packed of a version, as far as `limits` go, or tells how far that is; empty where all of it can be
 * read now.
 */
export async function restoreArchived(deps: AskDeps, wish: ArchivedWish): Promise<RestoresAsked> {
  const archived = wish.blobs.filter(({ origin }) => !isReadAtOnce(origin, deps.rates));
  if (archived.length === 0) return { asked: [], refused: [] };
  const level = (await ServiceLevelRow.get(deps.catalog, wish.model))?.value;
  const waiting = {
    toleranceMs: wish.withinMs ?? level?.restoreToleranceMs ?? READ_WITHIN_MS,
    usdPerMs: (level?.waitingUsdPerHour ?? 0) / HOUR_MS,
  };
  const { reason, correlationId, limits, dryRun = false } = wish;
  const asked: AskedRestore[] = [];
  const refused: LimitedRestore[] = [];
  for (const { digest } of archived) {
    const one = await askRestore(deps, { digest, to: RESTORED_CLASS, waiting, reason, correlationId, limits, dryRun });
    if (one?.outcome === 'asked') asked.push(one);
    if (one?.outcome === 'refused') refused.push(one);
  }
  return { asked, refused };
}
