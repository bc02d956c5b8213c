import { SweepFindingRow } from '../catalog/index.ts';
import { errorText } from '../shared/errors.ts';
import { blobDigestOf } from '../shared/digest.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { Digest } from '../shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { storedAllAlong } from './accrueAllowance.ts';
import { analyseBlob, type BlobAnalysis } from './analyseBlob.ts';
import { NO_TALLY } from './endStage.ts';
import { TieringError } from './errors.ts';
import { type AnalysedBlob, noteBatch } from './accrueInventory.ts';
import { moveInRun, shardOfRun, type WholeRun } from './moveInRun.ts';
import type { MoveReason } from './moveRun.ts';
import { runInForce } from './policyInForce.ts';
import { type MoveCounts, reportMoves, type ScheduledRun, type SweepDeps } from './sweepSettings.ts';

/** How many blobs of a batch are read and decided about at once. */
const READ_AT_ONCE = 16;
const REMEMBERED_MS = 7 * DAY_MS;

/** A row of an inventory. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** When these bytes were written in their present class. */
  readonly since: EpochMs;
}

/**
 * The analysis of the blobs that rows of an inventory name. An inventory is a day old: it only says which blobs there are, everything
 * that is decided on is read from the catalog now. Keys of other objects are passed over. Nothing moves yet: what is found is written down, as
 * the analysis of a shard does, for the stages that begin when the whole inventory was analysed. A blob that fails
 * stops no other; then the batch fails at the end (`blobs-failed`), and when it comes again nothing is found twice. What a batch
 * that did not fail has seen is counted once.
 */
export async function sweepInventory(
  deps: SweepDeps,
  batch: ScheduledRun,
  objects: readonly ListedObject[],
): Promise<MoveCounts> {
  const mode = deps.settings.tierSweep;
  const counts = new Map<MoveReason, number>();
  if (mode === 'off') return counts;
  const run = await runInForce(deps, batch);
  if (run === undefined) return counts;
  const failures: string[] = [];
  const listed = new Map<Digest, ListedObject>();
  for (const one of objects) {
    const digest = blobDigestOf(one.key);
    if (digest !== undefined) listed.set(digest, one);
  }
  const analysed = new Map<Digest, AnalysedBlob>();
  await eachOf([...listed], READ_AT_ONCE, async ([digest, { bytes, since }]) => {
    try {
      const found = await analyseBlob(deps, shardOfRun(run, digest), digest);
      await write(deps, run, digest, found, bytes);
      const reason = run.dryRun && found.moves ? (await moveInRun(deps, run, digest)).reason : found.reason;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      if (found.reason === 'unknown-blob') return;
      const tally = {
        ...NO_TALLY,
        blobs: 1,
        moves: found.moves ? 1 : 0,
        bytes: found.moves ? bytes : 0,
        placements: found.place ? 1 : 0,
      };
      const accrues = mode === 'on' && run.policy.kind === 'dollars' && storedAllAlong(since, batch.scheduledAt);
      analysed.set(digest, { tally, bytes: accrues ? bytes : 0 });
    } catch (error) {
      deps.telemetry.error('blob not decided', error, { digest });
      failures.push(`${digest}: ${errorText(error)}`);
    }
  });
  reportMoves(deps.telemetry, counts, mode);
  if (failures.length > 0) {
    const message = `${failures.length} blobs could not be decided about, the first was ${failures[0]}`;
    throw new TieringError({ code: 'blobs-failed', message, retryable: true });
  }
  await noteBatch(deps, batch.scheduledAt, [...listed.keys()], analysed);
  return counts;
}

/** Where it is there already, an earlier call has found it. */
async function write(
  { catalog, clock }: SweepDeps,
  run: WholeRun,
  digest: Digest,
  found: BlobAnalysis,
  size: number,
): Promise<void> {
  const { reason: _, ...kept } = found;
  if (run.dryRun || (!kept.moves && !kept.place)) return;
  const { shard } = shardOfRun(run, digest);
  const expiresAt = EpochMs.parse(clock.now() + REMEMBERED_MS);
  const finding = { runId: run.id, shard, digest, ...kept, bytes: Bytes.parse(size), expiresAt };
  await catalog.transact([SweepFindingRow.put(finding, 'absent')]);
}
