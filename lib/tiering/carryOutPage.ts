import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import {
  ActionRow,
  expectationOf,
  moveActionId,
  placeNewest,
  shardOf,
  type SweepFinding,
  SweepFindingRow,
  SweepStageRow,
} from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { Item, Page } from '../shared/ports/catalogStore.ts';
import { readTurn } from './keepForWaiting.ts';
import { moveInRun, type WholeRun } from './moveInRun.ts';
import type { MoveReason } from './moveRun.ts';
import { createShardRoom, isRefusal, type ShardRoom } from './shardRoom.ts';
import { type Refusal, shardLimits } from './sweepBudget.ts';
import { BLOBS_PER_MESSAGE, count, eachItem, type SweptPage } from './sweepPages.ts';
import type { SweepDeps } from './sweepSettings.ts';
import { firstInTurn, type RefusedMove } from './turnInShard.ts';

/** Versions that one shard of a sweep asks hosts to hold at most: each is a look at every host. */
const MOST_PLACEMENTS = 64;
/** Rows that one message passes over at most behind the page that it decides about: some seconds of reading. */
const PASSED_PER_MESSAGE = 20_000;

/** What one message has to know of its stage. */
interface CarryingOut {
  readonly deps: SweepDeps;
  readonly run: WholeRun;
  readonly message: SweepShard;
  readonly warming: boolean;
  readonly room: ShardRoom;
  readonly mayPlace: (digest: Digest) => boolean;
  readonly turns: Turns;
}

/** Which of what finds no dollars a later sweep keeps some for. */
interface Turns {
  readonly partUsd: number;
  first(one: RefusedMove | undefined, other: RefusedMove): RefusedMove;
}

/**
 * The stages after the analysis: decide once more, on fresh rows, about what was found, and set going what has its turn. What was found stays
 * listed, so that a page which is delivered again is the same page. What has no turn in this stage, or would cost more than the shard may still spend,
 * is passed over without a decision, and a message goes on over as many pages as hold nothing else: so a spent budget ends a stage.
 */
export async function carryOutPage(deps: SweepDeps, run: WholeRun, message: SweepShard): Promise<SweptPage> {
  const { cursor, shard, stage } = message;
  const warming = stage === 'warming';
  const mayPlace = warming && !run.dryRun ? await chosenToPlace(deps, run, shard) : () => false;
  const [room, turns] = [createShardRoom(deps, run, shard), await turnsOf(deps, run, shard)];
  const carrying: CarryingOut = { deps, run, message, warming, mayPlace, room, turns };
  const swept = await eachItem(deps, message, await list(carrying, cursor), (item, page) =>
    carryOut(carrying, item, page),
  );
  await passOver(carrying, swept);
  return swept;
}

function list({ deps, message, run }: CarryingOut, cursor: string | undefined): Promise<Page> {
  const partition = `FOUND#${run.id}#${message.shard}`;
  return deps.catalog.query({ partition, limit: BLOBS_PER_MESSAGE, ...(cursor === undefined ? {} : { cursor }) });
}

async function turnsOf(deps: SweepDeps, run: WholeRun, shard: number): Promise<Turns> {
  const turn = (await readTurn(deps))?.row?.value.shards[shard];
  const partUsd = shardLimits(run, shard).budgetUsd;
  return { partUsd, first: (one, other) => firstInTurn(one, other, partUsd, turn) };
}

type Passed = 'done-before' | 'no-turn' | Refusal;
type Standing = Passed | 'to-decide';

async function standingOf({ message, room, warming }: CarryingOut, finding: SweepFinding): Promise<Standing> {
  const { carriedOut, moves, warms } = finding;
  if (carriedOut?.stage === message.stage) return 'done-before';
  if (!moves || carriedOut?.moves === true || (warming && warms === false)) return 'no-turn';
  return (await room.refuses(finding)) ?? 'to-decide';
}

function asksHosts({ mayPlace, message }: CarryingOut, { digest, place }: SweepFinding, { tally }: SweptPage): boolean {
  return place && (message.tally?.placements ?? 0) + tally.placements < MOST_PLACEMENTS && mayPlace(digest);
}

function isRefused(standing: Standing): boolean {
  return standing !== 'to-decide' && standing !== 'done-before' && standing !== 'no-turn';
}

/** By an earlier delivery, which ended before it could note that: its own move may be what has spent the rest. */
async function isSent({ deps, run }: CarryingOut, { digest }: SweepFinding): Promise<boolean> {
  return (await ActionRow.get(deps.catalog, moveActionId(run.id, digest))) !== undefined;
}

/** Answers whether it has looked at more than the row. */
async function carryOut(carrying: CarryingOut, item: Item, swept: SweptPage): Promise<boolean> {
  const { deps, message, room, run, warming } = carrying;
  const { stage } = message;
  const row = SweepFindingRow.parse(item);
  const finding = row.value;
  const standing = await standingOf(carrying, finding);
  const sent = isRefused(standing) && (await isSent(carrying, finding));
  const asks = standing !== 'done-before' && asksHosts(carrying, finding, swept);
  if (standing !== 'to-decide' && !sent && !asks) return pass(carrying, swept, finding, standing);
  const turn: WholeRun = warming ? { ...run, warmsOnly: true } : run;
  const answer = standing === 'to-decide' ? await moveInRun(deps, turn, finding.digest) : undefined;
  if (answer !== undefined) room.decided();
  const reason = sent ? 'sent-before' : answer?.reason;
  if (reason !== undefined) tell(carrying, swept, finding, reason);
  const placements = asks ? await placeNewest(deps, { ...run, scope: 'sweep-place' }, finding.digest) : 0;
  const done = { stage, moves: answer?.moves === true || reason === 'sent-before', placements };
  // What is left is decided about in the next stage, or found again by the next sweep.
  if (done.moves || placements > 0 || (!warming && reason !== undefined && !isRefusal(reason))) {
    const carriedOut = SweepFindingRow.put({ ...finding, carriedOut: done }, expectationOf(row));
    await deps.catalog.transact([carriedOut]);
  }
  return addDone(swept, done, finding.bytes);
}

/** Goes on behind the page, for as long as nothing there is to be looked at. */
async function passOver(carrying: CarryingOut, swept: SweptPage): Promise<void> {
  for (let passed = 0; swept.cursor !== undefined && passed < PASSED_PER_MESSAGE; ) {
    const page = await list(carrying, swept.cursor);
    const standings: (readonly [SweepFinding, Passed])[] = [];
    for (const item of page.items) {
      const finding = readable(item);
      // The message that begins with this page fails for it.
      if (finding === undefined) return;
      const standing = await standingOf(carrying, finding);
      if (standing === 'to-decide' || (standing !== 'done-before' && asksHosts(carrying, finding, swept))) return;
      standings.push([finding, standing]);
    }
    for (const [finding, standing] of standings) {
      if (pass(carrying, swept, finding, standing)) swept.tally.blobs += 1;
    }
    passed += page.items.length;
    swept.cursor = page.cursor;
  }
}

function readable(item: Item): SweepFinding | undefined {
  try {
    return SweepFindingRow.parse(item).value;
  } catch {
    return undefined;
  }
}

/** Counts what is not decided about; answers whether an earlier delivery has looked at it. */
function pass(carrying: CarryingOut, swept: SweptPage, finding: SweepFinding, standing: Passed): boolean {
  if (standing === 'no-turn') return false;
  if (standing !== 'done-before') tell(carrying, swept, finding, standing);
  return (
    finding.carriedOut !== undefined && standing === 'done-before' && addDone(swept, finding.carriedOut, finding.bytes)
  );
}

/** A blob is counted once: what has no turn while warming, or is too dear then, the lifecycle tells of. */
function tell(
  { message, turns, warming }: CarryingOut,
  swept: SweptPage,
  { digest, price }: SweepFinding,
  reason: MoveReason,
): void {
  const left = isRefusal(reason);
  if (reason === 'not-warming' || (left && warming)) return;
  count(swept, reason);
  if (!left) return;
  const { tally } = swept;
  tally.left += 1;
  tally.leftUsd += price?.usd ?? 0;
  if (reason === 'above-budget') tally.tooDear = (tally.tooDear ?? 0) + 1;
  if (price !== undefined && waits(turns, price, reason))
    tally.waits = turns.first(tally.waits ?? message.tally?.waits, { digest, usd: price.usd });
}

/** What would find no dollars either, had the moves of the shard not been spent before, waits for them too. */
function waits({ partUsd }: Turns, { home, usd }: NonNullable<SweepFinding['price']>, reason: Refusal): boolean {
  return reason === 'budget-spent' || (reason === 'rate-reached' && !home && usd > partUsd);
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
