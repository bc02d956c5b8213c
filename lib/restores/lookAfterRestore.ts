import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import {
  type Action,
  ActionRow,
  BlobRow,
  type Decided,
  expectationOf,
  outboxPut,
  recordedInputs,
  type Restore,
  RestoreRow,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import { ActionId, type Digest } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { ObjectStore, RestoreOutcome } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../shared/units.ts';
import { type AskDeps, restoreChanges } from './askRestore.ts';
import {
  type ArchivedCopy,
  choiceFor,
  decideRestoreStep,
  EVENT_MS,
  type FasterRestore,
  type RestoreStep,
  slowerTier,
  storeTier,
  wantedFaster,
} from './decideRestore.ts';
import { decideRestored, type JudgeBlob } from './decideRestored.ts';
import { RestoreError } from './errors.ts';
import { afterHastening } from './hastenRestore.ts';
import { countRestore } from './restoreBudget.ts';

export interface RestoreDeps extends AskDeps {
  readonly objects: ObjectStore;
  readonly telemetry: Telemetry;
  readonly judge: JudgeBlob;
}

type AskStep = 'ask' | 'ask-faster';
export type RestoreAnswer = RestoreStep | 'unknown' | 'overtaken';

/** A restored copy stays for so long; it is copied within minutes of the event. */
const RESTORE_DAYS = 3;
const MOVE_TTL_MS = DAY_MS;
const LOOK_AGAIN_MS = 30 * MINUTE_MS;

/**
 * Takes the next step of one restore: asks the store, waits, or sends the transition that copies the readable bytes. Called by the asking,
 * by the bucket's event and by a schedule in case no event comes; each looks at the bucket itself, so that they may come in any order, twice
 * or never. Nothing is served from a restored copy: readers get the copy in the new class when that was verified.
 */
export async function lookAfterRestore(deps: RestoreDeps, digest: Digest): Promise<RestoreAnswer> {
  const answer = await takeStep(deps, digest);
  deps.telemetry.metric('RestoreStep', 'Count', 1, { reason: answer });
  deps.telemetry.info('restore step', { reason: answer, digest });
  return answer;
}

async function takeStep(deps: RestoreDeps, digest: Digest): Promise<RestoreAnswer> {
  const row = await RestoreRow.get(deps.catalog, digest);
  if (row === undefined) return 'unknown';
  const restore = row.value;
  const blob = await BlobRow.get(deps.catalog, digest);
  const move = await ActionRow.get(deps.catalog, moveId(restore));
  const copy = await lookAt(deps.objects, restore);
  const movePending = move?.value.state === 'pending';
  const { versionId: originVersionId, packed: packing } = blob?.value.origin ?? {};
  const packed = packing !== undefined;
  const step = decideRestoreStep({ restore, originVersionId, copy, packed, movePending });
  if (step === 'ask' || step === 'ask-faster') return ask(deps, row, step);
  if (step === 'give-up' && copy === 'absent') deps.telemetry.error('origin missing', missing(digest), { digest });
  return settle(deps.catalog, `Restoring ${digest}`, () => decide(deps, row, step));
}

async function lookAt(objects: ObjectStore, { digest, versionId }: Restore): Promise<ArchivedCopy> {
  const found = await objects.head(blobKey(digest), versionId);
  return found.outcome === 'absent' ? 'absent' : (found.head.restore?.state ?? 'readable');
}

async function ask(deps: RestoreDeps, row: Versioned<Restore>, step: AskStep): Promise<RestoreAnswer> {
  const { digest, versionId } = row.value;
  const faster = wantedFaster(row.value);
  const tier = faster?.tier ?? storeTier(row.value);
  const asked = await deps.objects.restore(blobKey(digest), versionId, { tier, days: RESTORE_DAYS });
  return settle(deps.catalog, `Restoring ${digest}`, async () => {
    const current = await RestoreRow.get(deps.catalog, digest);
    if (current?.value.actionId !== row.value.actionId) return { changes: [], answer: 'overtaken' };
    if (faster !== undefined) return afterAskingFaster(deps, current, faster, asked, step);
    if (current.value.state !== 'asked') return { changes: [], answer: 'wait' };
    return afterAsking(deps, current, asked);
  });
}

async function afterAskingFaster(
  deps: RestoreDeps,
  row: Versioned<Restore>,
  askedFor: FasterRestore,
  asked: RestoreOutcome,
  step: AskStep,
): Promise<Decided<RestoreAnswer>> {
  const faster = wantedFaster(row.value);
  const same = faster?.actionId === askedFor.actionId && faster.tier === askedFor.tier;
  if (faster === undefined || !same) return { changes: [], answer: 'overtaken' };
  if (asked.outcome === 'restored') return decide(deps, row, 'move');
  if (asked.outcome === 'not-archived' || asked.outcome === 'absent') return decide(deps, row, 'give-up');
  const blob = await BlobRow.get(deps.catalog, row.value.digest);
  if (blob === undefined) return decide(deps, row, 'forget');
  const now = deps.clock.now();
  const { restore, ended, askAgain } = afterHastening(deps.rates, blob.value, row.value, faster, asked, now);
  const end = ended === undefined ? [] : await endAction(deps, faster.actionId, { ...ended, at: now });
  const poke = askAgain ? [pokePut(restore, `instead-of-${faster.tier}`, now)] : [];
  return { changes: [RestoreRow.put(restore, expectationOf(row)), ...end, ...poke], answer: step };
}

async function afterAsking(
  deps: RestoreDeps,
  row: Versioned<Restore>,
  asked: RestoreOutcome,
): Promise<Decided<RestoreAnswer>> {
  const now = deps.clock.now();
  switch (asked.outcome) {
    case 'restoring':
    case 'under-way': {
      const readyAt = asked.readyAt ?? row.value.readyAt;
      const faster = wantedFaster(row.value);
      const next: Restore =
        faster === undefined
          ? { ...row.value, state: 'restoring', readyAt, dueAt: EpochMs.parse(readyAt + EVENT_MS) }
          : {
              ...row.value,
              state: 'restoring',
              faster: { ...faster, slowerReadyAt: asked.readyAt ?? faster.slowerReadyAt },
            };
      return { changes: [RestoreRow.put(next, expectationOf(row))], answer: 'ask' };
    }
    case 'restored':
      return decide(deps, row, 'move');
    case 'tier-unavailable': {
      const next: Restore = { ...row.value, tier: slowerTier(storeTier(row.value)) };
      const poke = pokePut(next, `slower-${next.tier}`, now);
      return { changes: [RestoreRow.put(next, expectationOf(row)), poke], answer: 'ask' };
    }
    case 'not-archived':
    case 'absent':
      return decide(deps, row, 'give-up');
  }
}

/** The writes of a step, unless another call has taken it already. */
async function decide(
  deps: RestoreDeps,
  seen: Versioned<Restore>,
  step: Exclude<RestoreStep, AskStep>,
): Promise<Decided<RestoreAnswer>> {
  const row = await RestoreRow.get(deps.catalog, seen.value.digest);
  const same = row?.value.actionId === seen.value.actionId && row.value.state === seen.value.state;
  if (row === undefined || !same) return { changes: [], answer: 'overtaken' };
  const now = deps.clock.now();
  switch (step) {
    case 'wait': {
      // What the store answered when it was asked may be lost, and the row's time is the slowest that the price book knows.
      const dueAt = EpochMs.parse(now + LOOK_AGAIN_MS);
      const state = row.value.state === 'asked' ? 'restoring' : row.value.state;
      return { changes: [RestoreRow.put({ ...row.value, state, dueAt }, expectationOf(row))], answer: step };
    }
    case 'move': {
      const changes = await moveChanges(deps, row, now);
      return changes === undefined ? decide(deps, row, 'wait') : { changes, answer: step };
    }
    case 'ask-again':
      return { changes: await againChanges(deps, row, now), answer: step };
    case 'give-up':
    case 'forget': {
      const code = step === 'forget' ? 'done' : 'failed';
      const forget: Change = {
        kind: 'delete',
        key: RestoreRow.key(row.value.digest),
        expect: { version: row.version },
      };
      return { changes: [forget, ...(await endActions(deps, row.value, code, step, now))], answer: step };
    }
  }
}

/** Named by the asking that it follows, so that two looks send one transition. */
function moveId({ actionId }: Restore): ActionId {
  return ActionId.parse(`after-${actionId}`);
}

/** Undefined where what is restored can go nowhere yet. */
async function moveChanges(
  deps: RestoreDeps,
  row: Versioned<Restore>,
  now: EpochMs,
): Promise<readonly Change[] | undefined> {
  const { digest, versionId, correlationId } = row.value;
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return [];
  const actionId = moveId(row.value);
  const { packed, storageClass } = blob.value.origin;
  const decided = await decideRestored(deps.judge, blob.value, row.value, deps.rates, now);
  if (decided.mustWait) return undefined;
  const { alternatives, chosen, inputs, to } = decided;
  const action: Action = {
    actionId,
    type: 'transition',
    digest,
    state: 'pending',
    reason: 'restored',
    policy: `${decided.policy} ${deps.rates.prices.id}`,
    chosen,
    alternatives: [...alternatives],
    ...recordedInputs(inputs),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + MOVE_TTL_MS),
    correlationId,
  };
  const body: TransitionReplica = {
    schema: 'transition-replica/1',
    actionId,
    digest,
    from: { storageClass, versionId },
    to,
    ...(packed === undefined ? {} : { encoding: 'identity' }),
    correlationId,
    hop: 0,
  };
  const moving: Restore = { ...row.value, state: 'restored', dueAt: EpochMs.parse(now + LOOK_AGAIN_MS) };
  return [
    RestoreRow.put(moving, expectationOf(row)),
    ActionRow.put(action, 'absent'),
    outboxPut({ id: actionId, queue: 'transition', body }, now),
    ...(await endActions(deps, row.value, 'done', 'restored', now)),
  ];
}

/** Whoever waits was told when it is ready: it is asked for again whatever readers may spend, and counted. */
async function againChanges(deps: RestoreDeps, row: Versioned<Restore>, now: EpochMs): Promise<readonly Change[]> {
  const { digest, tier, to, attempt, correlationId, wantedBy } = row.value;
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return [];
  const waiting = { toleranceMs: Number.POSITIVE_INFINITY, usdPerMs: 0 };
  const choice = choiceFor(blob.value, waiting, deps.rates);
  if (choice === undefined) return [];
  const again = { to, correlationId, ...(wantedBy === undefined ? {} : { wantedBy }) };
  const asking = { ...again, reason: 'expired-before-its-copy', attempt: attempt + 1, tier, choice };
  const fee = choice.options.find((one) => one.tier === tier)?.feeUsd ?? 0;
  return [
    ...restoreChanges(deps, blob, row, asking).changes,
    ...(await countRestore(deps.catalog, fee, now)),
    ...(await endActions(deps, row.value, 'failed', 'expired', now)),
  ];
}

/** Ends the decision of a restore, and one to make it faster that came too late. */
async function endActions(
  deps: RestoreDeps,
  restore: Restore,
  state: 'done' | 'failed',
  code: string,
  at: EpochMs,
): Promise<readonly Change[]> {
  const readable =
    restore.tier === 'unpack' ? 'It can be read, and is unpacked.' : `Readable by a ${restore.tier} restore.`;
  const text = state === 'done' ? readable : 'No restored copy could be copied.';
  const ended = await endAction(deps, restore.actionId, { state, code, text, at });
  const faster = wantedFaster(restore);
  if (faster === undefined) return ended;
  const tooLate = { state: 'superseded' as const, code, text: 'The restore ended before it was made faster.', at };
  return [...ended, ...(await endAction(deps, faster.actionId, tooLate))];
}

async function endAction(
  deps: RestoreDeps,
  actionId: ActionId,
  { state, ...outcome }: Pick<Action, 'state'> & NonNullable<Action['outcome']>,
): Promise<readonly Change[]> {
  const action = await ActionRow.get(deps.catalog, actionId);
  if (action?.value.state !== 'pending') return [];
  return [ActionRow.put({ ...action.value, state, outcome }, expectationOf(action))];
}

/** Has somebody look after a restore. */
function pokePut({ actionId, digest, versionId, correlationId }: Restore, why: string, now: EpochMs): Change {
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return outboxPut({ id: `${actionId}-${why}`, queue: 'restore', body }, now);
}

function missing(digest: Digest): RestoreError {
  return new RestoreError({
    code: 'origin-missing',
    message: `The archived origin of ${digest} is not in the bucket as the catalog has it. Run \`strata doctor\`.`,
    retryable: false,
  });
}
