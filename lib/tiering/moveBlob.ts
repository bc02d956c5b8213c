import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  moveActionId,
  outboxPut,
  recordedInputs,
  RestoreRow,
  storedBytes,
  SweepRunRow,
  type Versioned,
} from '../catalog/index.ts';
import {
  caughtBy,
  placesOf,
  readUsd,
  receiptAlternative,
  recordTier,
  type TierDecision,
  type TierFacts,
  type TierMove,
  warms,
} from '../placement/index.ts';
import { foundChanges } from '../expiry/index.ts';
import { restoreForMove } from '../restores/index.ts';
import type { ActionId, Digest } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { isIdleArchive, judgeBlob } from './judgeBlob.ts';
import { isWayHome, moveUsd, returns } from './movePrice.ts';
import type { MoveDeps, MoveReason, MoveRun } from './moveRun.ts';
import { reserve } from './sweepBudget.ts';

/** A transition that has not begun by then waits for the next sweep's decision. */
const TRANSITION_TTL_MS = DAY_MS;

/**
 * Decides about one blob on fresh rows, and what follows as one write: the action with its dollars, the message, and the reservation of
 * both in the run's limits, on the condition that the blob's row has not changed.
 */
export async function decideMove(deps: MoveDeps, run: MoveRun, digest: Digest): Promise<Decided<MoveReason>> {
  const keep = (reason: MoveReason): Decided<MoveReason> => ({ changes: [], answer: reason });
  const judged = await judgeBlob(deps, run, digest);
  if (typeof judged === 'string') return keep(judged);
  const { blob, decision, expires, facts, risks, wouldPack } = judged;
  if (run.warmsOnly === true && !warms(decision, facts, deps.rates)) return keep('not-warming');
  if (decision.action !== 'keep' && run.returnsOnly === true && !returns(decision, facts)) return keep('not-in-force');
  if (decision.action === 'keep') {
    const named = decision.reason === 'expires' && run.only === undefined ? expires?.facts : undefined;
    if (named === undefined) return { changes: risks, answer: wouldPack ? 'would-pack' : decision.reason };
    const { model, version } = named;
    return { changes: await foundChanges(deps, { runId: run.id, model, version }), answer: decision.reason };
  }
  if (isIdleArchive(decision, deps.rates)) return keep('needs-restore');
  if (run.only?.action === 'pack' && wouldPack) return keep('would-pack');
  const asShown = decision.action === run.only?.action && decision.to === run.only.to;
  if (run.only !== undefined && !asShown) return keep('decided-otherwise');
  const caught = caughtBy(facts, placesOf(decision, facts), deps.rates, run.at);
  if (run.only !== undefined && caught !== undefined) return keep('in-use');
  if (facts.packing?.packed === true && (await isRestoring(deps, blob.value))) return keep('restore-under-way');
  const actionId = moveActionId(run.id, digest);
  if ((await ActionRow.get(deps.catalog, actionId)) !== undefined) return keep('sent-before');
  if (decision.action !== 'transition' && (await isRewritten(deps, digest))) return keep('transition-under-way');
  const moved = decision.needsRestore
    ? await restoreFirst(deps, run, blob, decision)
    : { usd: moveUsd(decision), changes: transitionChanges(deps, run, blob, facts, decision, actionId) };
  if (moved === undefined) return keep('restore-under-way');
  const row = await SweepRunRow.get(deps.catalog, run.id, run.shard);
  const begun = { runId: run.id, shard: run.shard, limits: run.limits, now: deps.clock.now() };
  const home = run.only === undefined && isWayHome(decision);
  const reserved = reserve(row?.value, begun, { digest, usd: moved.usd, bytes: facts.bytes, home });
  if (reserved.outcome === 'refused') return keep(reserved.reason);
  return {
    changes: [...moved.changes, ...risks, SweepRunRow.put(reserved.run, expectationOf(row))],
    answer: decision.needsRestore ? 'restore-begun' : decision.reason,
  };
}

/** Whether somebody waits for this very origin to be brought back. */
async function isRestoring({ catalog }: MoveDeps, { digest, origin }: Blob): Promise<boolean> {
  return (await RestoreRow.get(catalog, digest))?.value.versionId === origin.versionId;
}

const ACTIONS_A_PAGE = 100;
/** Commands to hosts about the same blob stand between its moves: of more than so many pages in a day its move waits for another day. */
const MOST_PAGES = 10;

/** Whether another run has its bytes rewritten: doing that twice at once is work for nothing. The index may lag; the switch does not. */
async function isRewritten({ catalog, clock }: MoveDeps, digest: Digest): Promise<boolean> {
  const now = clock.now();
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const from = cursor === undefined ? {} : { cursor };
    const wish = { partition: `ACTIONS#BLOB#${digest}`, limit: ACTIONS_A_PAGE, descending: true };
    const page = await catalog.queryIndex('listing', { ...wish, ...from });
    const actions = page.items.map((item) => ActionRow.parse(item).value);
    if (actions.some((action) => isRewriting(action, now))) return true;
    const oldest = actions.at(-1)?.decidedAt ?? 0;
    if (page.cursor === undefined || now - oldest > TRANSITION_TTL_MS) return false;
    cursor = page.cursor;
  }
  return true;
}

function isRewriting({ chosen, expiresAt, state, type }: Action, now: EpochMs): boolean {
  return type === 'transition' && !chosen.startsWith('transition ') && state === 'pending' && now < expiresAt;
}

/** Nobody waits: the cheapest restore will do. */
async function restoreFirst(
  deps: MoveDeps,
  run: MoveRun,
  blob: Versioned<Blob>,
  decision: TierMove,
): Promise<{ usd: number; changes: readonly Change[] } | undefined> {
  const row = await RestoreRow.get(deps.catalog, blob.value.digest);
  if (row?.value.versionId === blob.value.origin.versionId) return undefined;
  const begun = restoreForMove(deps, blob, row, {
    to: decision.to,
    reason: decision.reason,
    correlationId: run.correlationId,
  });
  if (begun === undefined) return undefined;
  // The price of the move counts the cheapest restore already.
  const restoreUsd = readUsd(deps.rates.of(decision.from), storedBytes(blob.value));
  return { usd: begun.usd + Math.max(0, moveUsd(decision) - restoreUsd), changes: begun.changes };
}

function transitionChanges(
  deps: MoveDeps,
  run: MoveRun,
  blob: Versioned<Blob>,
  facts: TierFacts,
  decision: TierMove,
  actionId: ActionId,
): readonly Change[] {
  const now = deps.clock.now();
  const { digest, origin } = blob.value;
  const action: Action = {
    actionId,
    type: 'transition',
    digest,
    state: 'pending',
    reason: decision.reason,
    policy: `${decision.policyVersion} ${deps.rates.prices.id}`,
    chosen: alternativeName(decision.action, decision.to),
    alternatives: decision.alternatives.map(receiptAlternative),
    ...recordedInputs(recordTier(facts, run.at, deps.rates)),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + TRANSITION_TTL_MS),
    correlationId: run.correlationId,
  };
  const body: TransitionReplica = {
    schema: 'transition-replica/1',
    actionId,
    digest,
    from: { storageClass: origin.storageClass, versionId: origin.versionId },
    to: decision.to,
    ...encodingOf(decision),
    correlationId: run.correlationId,
    hop: 0,
  };
  return [
    ActionRow.put(action, 'absent'),
    outboxPut({ id: actionId, queue: 'transition', body }, now),
    { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
  ];
}

/** A transition leaves the bytes as they are. */
function encodingOf(decision: TierMove): Pick<TransitionReplica, 'encoding' | 'belowRatio'> {
  if (decision.action === 'transition') return {};
  if (decision.action === 'unpack') return { encoding: 'identity' };
  return { encoding: 'byteplane-zstd-1', belowRatio: decision.belowRatio };
}

function alternativeName(action: TierDecision['action'], storageClass: string): string {
  return `${action} ${storageClass}`;
}
