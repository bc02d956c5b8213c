import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import type { Action, Blob, Replica } from '../catalog/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { SweepMode } from '../shared/sweepMode.ts';

/** What is to be done for a transition message now; each step may be repeated, and found half done. */
export type TransitionStep =
  /** Copy, verify, switch. */
  | 'move'
  /** Delete the copy that the switch left behind. */
  | 'delete-old'
  /** Somebody still reads the old copy, or may begin to: come again later. */
  | 'wait'
  /** Transitions are switched off: end the action without touching anything. */
  | 'refuse'
  /** Packing is switched off: end the action, and take away what was written of it. */
  | 'refuse-packing'
  /** The blob was purged or moved by another action meanwhile: end this one, and take away what was copied. */
  | 'give-up'
  /** The action has ended without a switch: take away what a killed try may have copied. */
  | 'discard-copy'
  | 'finished';

export interface TransitionFacts {
  readonly message: TransitionReplica;
  readonly action: Action | undefined;
  readonly blob: Blob | undefined;
  readonly replicas: readonly Replica[];
  readonly mode: SweepMode;
  /** Of packing; what is packed is moved and unpacked all the same. */
  readonly packing: SweepMode;
}

/** Decides by the catalog alone how far a transition has come. The old copy is deleted only when it is not the origin any more. */
export function decideTransition({ message, action, blob, mode, packing, replicas }: TransitionFacts): TransitionStep {
  if (action === undefined) return 'finished';
  const { versionId } = message.from;
  // What was switched off deletes nothing either; a copy that stays for it is an orphan and swept as one.
  const discard = mode === 'on' ? 'discard-copy' : 'finished';
  // The mode is the sweep's: what somebody wants to read is moved all the same.
  const allowed = mode === 'on' || action.reason === 'restored';
  // Its own switch ends an action: this one was overtaken by another move, or by the purge of the blob.
  const moved = blob?.origin.versionId !== versionId;
  if (moved && action.state === 'pending') return 'give-up';
  if (blob === undefined) return discard;
  if (!moved) {
    if (action.state !== 'pending') return discard;
    if (!allowed) return 'refuse';
    return packing !== 'on' && packs(message) ? 'refuse-packing' : 'move';
  }
  const left = replicas.find((one) => one.host === undefined && one.versionId === versionId);
  if (left?.state !== 'evicting') return action.state === 'done' ? 'finished' : discard;
  // The switch itself has sent the message that deletes, later: whoever asked before the switch may still begin to read.
  if (message.hop === 0) return 'finished';
  if (!allowed) return 'wait';
  const reading = replicas.some((one) => one.state === 'reserved' && one.versionId === versionId);
  return reading ? 'wait' : 'delete-old';
}

function packs({ encoding }: TransitionReplica): boolean {
  return encoding !== undefined && encoding !== 'identity';
}

/** How a transition ended. */
export type TransitionReason =
  | 'switched'
  /** Another change of the blob was faster. */
  | 'origin-moved'
  | 'switched-off'
  | 'packing-switched-off'
  /** Nobody refers to it any more. */
  | 'blob-purged'
  /** Its restored copy is gone, or it never had one: ask for a restore first. */
  | 'source-archived'
  | 'source-absent'
  /** The origin's bytes are not those that the digest names: a person must look. */
  | 'source-differs'
  /** Packed it would not be as small as was asked for. */
  | 'hardly-smaller'
  /** What was copied is not what was asked for; it was removed. */
  | 'copy-differs'
  /** The copy of an earlier transition is still there under the same class. */
  | 'target-occupied';

/** The catalog's tier of each class. */
export const TIER_OF: Readonly<Record<StorageClass, Blob['tier']>> = {
  STANDARD: 'hot',
  INTELLIGENT_TIERING: 'warm',
  STANDARD_IA: 'warm',
  GLACIER_IR: 'cold',
  GLACIER: 'archive',
  DEEP_ARCHIVE: 'archive',
};
