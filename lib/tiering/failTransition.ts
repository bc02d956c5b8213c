import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { ActionRow, BlobRow, expectationOf, outboxPut, RestoreRow, settle } from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { Bytes } from '../shared/units.ts';
import type { TransitionReason } from './decideTransition.ts';
import { originMissing } from './oldOrigin.ts';
import type { HardlySmaller } from './originParts.ts';

interface FailDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Ends the action without a change of the origin; what it names as its reason stands in its outcome. What was packed in vain is remembered
 * in the place of the estimate, so that it is not tried again.
 */
export async function failTransition(
  deps: FailDeps,
  message: TransitionReplica,
  reason: Exclude<TransitionReason, 'switched'>,
  measured?: HardlySmaller,
): Promise<void> {
  if (reason === 'source-absent' || reason === 'source-differs') {
    deps.telemetry.error('origin missing', originMissing(message), { digest: message.digest });
  }
  await settle(deps.catalog, `Ending ${message.actionId}`, async () => {
    const action = await ActionRow.get(deps.catalog, message.actionId);
    if (action?.value.state !== 'pending') return { changes: [], answer: undefined };
    const outcome = { at: deps.clock.now(), code: reason, text: FAILURES[reason] };
    const ended = ActionRow.put({ ...action.value, state: 'failed', outcome }, expectationOf(action));
    const noted = measured === undefined ? [] : await noteRatio(deps, message, measured);
    return { changes: [ended, ...noted, ...(await pokeRestore(deps, message))], answer: undefined };
  });
}

async function noteRatio(
  deps: FailDeps,
  { digest }: TransitionReplica,
  { ratio, sampledBytes }: HardlySmaller,
): Promise<readonly Change[]> {
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return [];
  const compressibility = { encoding: 'byteplane-zstd-1' as const, ratio, sampledBytes: Bytes.parse(sampledBytes) };
  return [BlobRow.put({ ...blob.value, compressibility }, expectationOf(blob))];
}

/** A restored copy that was to be copied may have expired: whoever looks after the restore finds out. */
async function pokeRestore(deps: FailDeps, message: TransitionReplica): Promise<readonly Change[]> {
  const restore = await RestoreRow.get(deps.catalog, message.digest);
  if (restore?.value.versionId !== message.from.versionId) return [];
  const { actionId, digest, versionId, correlationId } = restore.value;
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return [outboxPut({ id: `${message.actionId}-failed`, queue: 'restore', body }, deps.clock.now())];
}

const FAILURES: Readonly<Record<Exclude<TransitionReason, 'switched'>, string>> = {
  'origin-moved': 'Another change of the blob was faster; the copy was removed.',
  'blob-purged': 'Its last version was deleted, and its undo window is over.',
  'switched-off': 'Transitions are switched off (`tierSweep`); nothing was changed.',
  'packing-switched-off':
    'Packing is switched off (`tierPacking`); the object stays as it is, and what was written of it was removed.',
  'source-archived': 'The object is archived and has no restored copy: a restore must come first.',
  'source-absent': 'The version that the catalog names is not in the bucket. Run `strata doctor`.',
  'source-differs':
    'The bytes of the origin are not those that its digest names; nothing was changed. Run `strata doctor`.',
  'hardly-smaller': 'Packed it would not be so much smaller as was asked for; it stays as it is.',
  'copy-differs': 'What was copied was not of the right size, class or content; it was removed.',
  'target-occupied': 'The copy of an earlier transition still lies in the new class; the next sweep decides anew.',
};
