import type { StageTally, SweepShard } from '../../events/sweep-shard/v1.ts';
import { BlobRow, storedBytes, SweepFindingRow } from '../catalog/index.ts';
import { errorText, StrataError } from '../shared/errors.ts';
import type { Item, Page } from '../shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { storedAllAlong } from './accrueAllowance.ts';
import { analyseBlob } from './analyseBlob.ts';
import { NO_TALLY } from './endStage.ts';
import { moveInRun, shardOfRun, type WholeRun } from './moveInRun.ts';
import type { MoveReason } from './moveRun.ts';
import type { SweepDeps } from './sweepSettings.ts';

export const BLOBS_PER_MESSAGE = 50;
const REMEMBERED_MS = 7 * DAY_MS;

/** What one message has done. */
export interface SweptPage {
  readonly counts: Map<MoveReason, number>;
  readonly tally: { -readonly [Name in keyof StageTally]: StageTally[Name] };
  readonly failures: string[];
  /** Stored all along by the blobs of the page. */
  bytes: number;
  cursor?: string | undefined;
}

/** The first stage: decides about each blob without writing anything but what the later stages are to look at. */
export async function analysePage(deps: SweepDeps, run: WholeRun, message: SweepShard): Promise<SweptPage> {
  const { shard, scheduledAt, cursor } = message;
  const listed = await deps.catalog.queryIndex('listing', {
    partition: `SWEEP#${shard}`,
    limit: BLOBS_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  return eachItem(deps, message, listed, async (item, swept) => {
    const blob = BlobRow.parse(item).value;
    const { digest } = blob;
    const found = await analyseBlob(deps, shardOfRun(run, digest), digest);
    const { reason, ...kept } = found;
    const { moves, place } = kept;
    if (!moves) count(swept, reason);
    // What would become of it within the limits; the next stages count it otherwise.
    else if (run.dryRun) count(swept, (await moveInRun(deps, run, digest)).reason);
    if (storedAllAlong(blob.createdAt, scheduledAt)) swept.bytes += storedBytes(blob);
    if (!moves && !place) return true;
    const bytes = Bytes.parse(storedBytes(blob));
    swept.tally.moves += moves ? 1 : 0;
    swept.tally.bytes += moves ? bytes : 0;
    swept.tally.placements += place ? 1 : 0;
    if (run.dryRun) return true;
    const expiresAt = EpochMs.parse(deps.clock.now() + REMEMBERED_MS);
    const finding = { runId: run.id, shard, digest, ...kept, bytes, expiresAt };
    // Where it is there already, an earlier delivery has found it.
    await deps.catalog.transact([SweepFindingRow.put(finding, 'absent')]);
    return true;
  });
}

/**
 * A blob that cannot be decided about leaves the others; what may succeed when the page comes again holds it up. `work` answers whether it
 * looked at the blob.
 */
export async function eachItem(
  deps: SweepDeps,
  { bytes = 0 }: SweepShard,
  listed: Page,
  work: (item: Item, swept: SweptPage) => Promise<boolean>,
): Promise<SweptPage> {
  const tally = { ...NO_TALLY };
  const swept: SweptPage = { counts: new Map(), tally, failures: [], bytes, cursor: listed.cursor };
  for (const item of listed.items) {
    try {
      if (await work(item, swept)) tally.blobs += 1;
    } catch (error) {
      if (error instanceof StrataError && error.retryable) throw error;
      const row = `${item.key.partition} ${item.key.sort}`;
      deps.telemetry.error('blob not decided', error, { row });
      swept.failures.push(`${row}: ${errorText(error)}`);
    }
  }
  return swept;
}

export function count({ counts }: SweptPage, reason: MoveReason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
