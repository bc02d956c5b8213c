import { type Blob, ServiceLevelRow } from '../catalog/index.ts';
import { isReadAtOnce } from '../placement/index.ts';
import type { CorrelationId, ModelName, StorageClass } from '../shared/ids.ts';
import { HOUR_MS } from '../shared/units.ts';
import { type AskDeps, type AskedRestore, askRestore } from './askRestore.ts';

export interface ArchivedWish {
  readonly model: ModelName;
  readonly blobs: readonly Blob[];
  readonly reason: 'read' | 'operator';
  readonly correlationId: CorrelationId;
  /** When it must be readable; without it what the model's service level says, else a few hours. */
  readonly withinMs?: number | undefined;
  readonly dryRun?: boolean;
}

/** Somebody waits: a standard restore of GLACIER is in time, a bulk one is not. */
const READ_WITHIN_MS = 6 * HOUR_MS;
/** Read at once for no fee, and cold again for nothing where nobody reads on. */
const RESTORED_CLASS: StorageClass = 'INTELLIGENT_TIERING';

/** Begins to bring back what is archived or packed of a version, or tells how far that is; empty where all of it can be read now. */
export async function restoreArchived(deps: AskDeps, wish: ArchivedWish): Promise<readonly AskedRestore[]> {
  const archived = wish.blobs.filter(({ origin }) => !isReadAtOnce(origin, deps.rates));
  if (archived.length === 0) return [];
  const level = (await ServiceLevelRow.get(deps.catalog, wish.model))?.value;
  const waiting = {
    toleranceMs: wish.withinMs ?? level?.restoreToleranceMs ?? READ_WITHIN_MS,
    usdPerMs: (level?.waitingUsdPerHour ?? 0) / HOUR_MS,
  };
  const { reason, correlationId, dryRun = false } = wish;
  const asked: AskedRestore[] = [];
  for (const { digest } of archived) {
    const one = await askRestore(deps, { digest, to: RESTORED_CLASS, waiting, reason, correlationId, dryRun });
    if (one !== undefined) asked.push(one);
  }
  return asked;
}
