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
  type Versioned,
} from '../catalog/index.ts';
import { ActionId } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { type AskDeps, restoreChanges } from './askRestore.ts';
import { decideRestored, type JudgeBlob } from './decideRestored.ts';
import { choiceFor, LOOK_AGAIN_MS, type RestoreStep, wantedFaster } from './decideRestore.ts';
import { countRestore } from './restoreBudget.ts';

export interface StepDeps extends AskDeps {
  readonly judge: JudgeBlob;
}

const MOVE_TTL_MS = DAY_MS;

/** The writes of a step, unless another call has taken it already. */
export async function stepChanges(
  deps: StepDeps,
  seen: Versioned<Restore>,
  step: Exclude<RestoreStep, 'begin' | 'ask' | 'ask-faster'>,
): Promise<Decided<RestoreStep | 'overtaken'>> {
  const row = await RestoreRow.get(deps.catalog, seen.value.digest);
  if (row === undefined || moveId(row.value) !== moveId(seen.value) || row.value.state !== seen.value.state)
    return { changes: [], answer: 'overtaken' };
  const now = deps.clock.now();
  switch (step) {
    case 'wait': {
      // What the store answered when it was asked may be lost, and the row's time is the slowest that the price book knows.
      const dueAt = EpochMs.parse(now + LOOK_AGAIN_MS);
      const state = row.value.state === 'restored' ? 'restored' : 'restoring';
      return { changes: [RestoreRow.put({ ...outOfLine(row.value), state, dueAt }, expectationOf(row))], answer: step };
    }
    case 'move': {
      const changes = await moveChanges(deps, row, now);
      return changes === undefined ? stepChanges(deps, row, 'wait') : { changes, answer: step };
    }
    case 'move-again': {
      const failedMoves = (row.value.failedMoves ?? 0) + 1;
      const changes = await moveChanges(deps, { ...row, value: { ...row.value, failedMoves } }, now);
      return changes === undefined ? stepChanges(deps, row, 'wait') : { changes, answer: step };
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

/** Somebody asked the store itself while it waited for its turn: it takes none, and costs readers nothing. */
function outOfLine(restore: Restore): Restore {
  const { turn: _, ...rest } = restore;
  return rest;
}

/** Named by the asking that it follows and the moves that failed before, so that two looks send one transition. */
export function moveId({ actionId, failedMoves }: Restore): ActionId {
  return ActionId.parse(failedMoves === undefined ? `after-${actionId}` : `after-${actionId}-${failedMoves}`);
}

/** Undefined where what is restored can go nowhere yet. */
async function moveChanges(
  deps: StepDeps,
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
  const moving: Restore = { ...outOfLine(row.value), state: 'restored', dueAt: EpochMs.parse(now + LOOK_AGAIN_MS) };
  return [
    RestoreRow.put(moving, expectationOf(row)),
    ActionRow.put(action, 'absent'),
    outboxPut({ id: actionId, queue: 'transition', body }, now),
    ...(await endActions(deps, row.value, 'done', 'restored', now)),
  ];
}

/** Whoever waits was told when it is ready: it is asked for again whatever readers may spend, and counted. */
async function againChanges(deps: StepDeps, row: Versioned<Restore>, now: EpochMs): Promise<readonly Change[]> {
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
  deps: StepDeps,
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

export async function endAction(
  deps: StepDeps,
  actionId: ActionId,
  { state, ...outcome }: Pick<Action, 'state'> & NonNullable<Action['outcome']>,
): Promise<readonly Change[]> {
  const action = await ActionRow.get(deps.catalog, actionId);
  if (action?.value.state !== 'pending') return [];
  return [ActionRow.put({ ...action.value, state, outcome }, expectationOf(action))];
}
