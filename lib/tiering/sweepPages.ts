import type { StageTally, SweepShard } from '../../events/sweep-shard/v1.ts';
import {
  BlobRow,
  expectationOf,
  placeNewest,
  shardOf,
  storedBytes,
  SweepFindingRow,
  SweepStageRow,
} from '../catalog/index.ts';
import { errorText, StrataError } from '../shared/errors.ts';
import type { Digest } from '../shared/ids.ts';
import type { Item, Page } from '../shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { storedAllAlong } from './accrueAllowance.ts';
import { analyseBlob } from './analyseBlob.ts';
import { moveInRun, shardOfRun, type WholeRun } from './moveInRun.ts';
import type { MoveReason } from './moveRun.ts';
import type { SweepDeps } from './sweepSettings.ts';

const BLOBS_PER_MESSAGE = 50;
const REMEMBERED_MS = 7 * DAY_MS;
/** Versions that one shard of a sweep asks hosts to hold at most: each is a look at every host. */
const MOST_PLACEMENTS = 64;

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
    const { moves, place } = found;
    if (!moves) count(swept, found.reason);
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
    const finding = { runId: run.id, shard, digest, moves, place, bytes, expiresAt };
    // Where it is there already, an earlier delivery has found it.
    await deps.catalog.transact([SweepFindingRow.put(finding, 'absent')]);
    return true;
  });
}

/**
 * The stages after it: decide once more, on fresh rows, about what was found, and set going what has its turn. What was found stays listed, so
 * that a page which is delivered again is the same page.
 */
export async function carryOutPage(deps: SweepDeps, run: WholeRun, message: SweepShard): Promise<SweptPage> {
  const { shard, cursor, stage, tally } = message;
  const warming = stage === 'warming';
  const turn: WholeRun = warming ? { ...run, warmsOnly: true } : run;
  const listed = await deps.catalog.query({
    partition: `FOUND#${run.id}#${shard}`,
    limit: BLOBS_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const mayPlace = warming && !run.dryRun ? await chosenToPlace(deps, run, shard) : () => false;
  return eachItem(deps, message, listed, async (item, swept) => {
    const finding = SweepFindingRow.parse(item);
    const { digest, moves, place, bytes, carriedOut } = finding.value;
    if (carriedOut?.stage === stage) return addDone(swept, carriedOut, bytes);
    if (!warming && (!moves || carriedOut?.moves === true)) return false;
    const answer = moves ? await moveInRun(deps, turn, digest) : undefined;
    if (answer !== undefined && answer.reason !== 'not-warming') count(swept, answer.reason);
    const room = MOST_PLACEMENTS - (tally?.placements ?? 0) - swept.tally.placements;
    const placements =
      place && room > 0 && mayPlace(digest) ? await placeNewest(deps, { ...run, scope: 'sweep-place' }, digest) : 0;
    const done = { stage, moves: answer?.moves === true || answer?.reason === 'sent-before', placements };
    // What is left is decided about in the next stage.
    if (!warming || done.moves || placements > 0) {
      await deps.catalog.transact([
        SweepFindingRow.put({ ...finding.value, carriedOut: done }, expectationOf(finding)),
      ]);
    }
    return addDone(swept, done, bytes);
  });
}

/** Which of what is read daily hosts are asked to hold: other ones each time, where that is more than a run asks for. */
async function chosenToPlace(deps: SweepDeps, run: WholeRun, shard: number): Promise<(digest: Digest) => boolean> {
  const analysis = await SweepStageRow.get(deps.catalog, run.id, shard, 'analysis');
  const parts = Math.ceil((analysis?.value.placements ?? 0) / MOST_PLACEMENTS);
  return (digest) => parts <= 1 || shardOf(`${run.id} ${digest}`, parts) === 0;
}

function addDone({ tally }: SweptPage, done: { readonly moves: boolean; readonly placements: number }, bytes: number) {
  tally.moves += done.moves ? 1 : 0;
  tally.bytes += done.moves ? bytes : 0;
  tally.placements += done.placements;
  return true;
}

/**
 * A blob that cannot be decided about leaves the others; what may succeed when the page comes again holds it up. `work` answers whether it
 * looked at the blob.
 */
async function eachItem(
  deps: SweepDeps,
  { bytes = 0 }: SweepShard,
  listed: Page,
  work: (item: Item, swept: SweptPage) => Promise<boolean>,
): Promise<SweptPage> {
  const tally = { blobs: 0, moves: 0, bytes: 0, placements: 0 };
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

function count({ counts }: SweptPage, reason: MoveReason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
