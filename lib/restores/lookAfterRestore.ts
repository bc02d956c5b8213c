import {
  ActionRow,
  BlobRow,
  type Decided,
  expectationOf,
  type Restore,
  RestoreRow,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import type { ObjectStore, RestoreOutcome } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { EpochMs } from '../shared/units.ts';
import { beginQueued, type LineAnswer } from './beginQueued.ts';
import {
  type ArchivedCopy,
  decideRestoreStep,
  EVENT_MS,
  type FasterRestore,
  type RestoreStep,
  slowerTier,
  storeTier,
  wantedFaster,
} from './decideRestore.ts';
import { RestoreError } from './errors.ts';
import { afterHastening } from './hastenRestore.ts';
import type { RestoreLimits } from './restoreBudget.ts';
import { pokePut } from './restoreMessage.ts';
import { endAction, moveId, type StepDeps, stepChanges } from './stepChanges.ts';

export interface RestoreDeps extends StepDeps {
  readonly objects: ObjectStore;
  readonly telemetry: Telemetry;
  /** What readers may set going. */
  readonly settings: RestoreLimits;
}

type AskStep = 'ask' | 'ask-faster';
export type RestoreAnswer = RestoreStep | LineAnswer | 'unknown';

/** A restored copy stays for so long; it is copied within minutes of the event. */
const RESTORE_DAYS = 3;

/**
 * Takes the next step of one restore: begins it when it is its turn, asks the store, waits, or sends the transition that copies the readable bytes. Called by the asking,
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
  if (step === 'begin') return beginQueued(deps, restore);
  if (step === 'ask' || step === 'ask-faster') return ask(deps, row, step);
  if (step === 'give-up' && copy === 'absent') deps.telemetry.error('origin missing', missing(digest), { digest });
  return settle(deps.catalog, `Restoring ${digest}`, () => stepChanges(deps, row, step));
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
  if (asked.outcome === 'restored') return stepChanges(deps, row, 'move');
  if (asked.outcome === 'not-archived' || asked.outcome === 'absent') return stepChanges(deps, row, 'give-up');
  const blob = await BlobRow.get(deps.catalog, row.value.digest);
  if (blob === undefined) return stepChanges(deps, row, 'forget');
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
      return stepChanges(deps, row, 'move');
    case 'tier-unavailable': {
      const next: Restore = { ...row.value, tier: slowerTier(storeTier(row.value)) };
      const poke = pokePut(next, `slower-${next.tier}`, now);
      return { changes: [RestoreRow.put(next, expectationOf(row)), poke], answer: 'ask' };
    }
    case 'not-archived':
    case 'absent':
      return stepChanges(deps, row, 'give-up');
  }
}

function missing(digest: Digest): RestoreError {
  return new RestoreError({
    code: 'origin-missing',
    message: `The archived origin of ${digest} is not in the bucket as the catalog has it. Run \`strata doctor\`.`,
    retryable: false,
  });
}
