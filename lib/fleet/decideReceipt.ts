import type { CommandReceipt, ReceiptCode, ReceiptType } from '../../events/command-receipt/v1.ts';
import type { Action, ActionState, Replica } from '../catalog/index.ts';
import type { Bytes } from '../shared/units.ts';

export interface ReceiptFacts {
  readonly receipt: CommandReceipt;
  /** The command's action; absent for what the host did by itself. */
  readonly action: Action | undefined;
  readonly replica: Replica | undefined;
  /** Of the blob that the receipt is about; absent where it names none or the catalog does not know it. */
  readonly blobBytes: Bytes | undefined;
}

/** Why a receipt has no effect. */
export type ReceiptRefusal =
  /** Nobody decided this. */
  | 'unknown-action'
  /** It is about another host, generation, type or blob than the action. */
  | 'other-command'
  /** Its action has ended: this is a repetition, or the action was superseded. */
  | 'already-settled'
  /** A host may fetch, evict and move down by itself; the rest only the plane commands. */
  | 'not-local';

/** Why an action ended as it did. */
export type SettleReason =
  | 'as-measured'
  /** The host says done, and the bytes that it measured say otherwise. */
  | 'bytes-do-not-fit'
  | 'host-failed'
  | 'host-leaked'
  | 'host-refused';

/** What the receipt makes of the host's copy. */
export type ReplicaEffect =
  | 'verified'
  | 'gone'
  /** Something is there, or may be, and what it is only the host's next report tells. */
  | 'unknown'
  | 'unchanged';

export type ReceiptDecision =
  | { readonly kind: 'refused'; readonly reason: ReceiptRefusal }
  | {
      readonly kind: 'settled';
      readonly state: Exclude<ActionState, 'pending' | 'expired' | 'superseded'>;
      readonly reason: SettleReason;
      readonly replica: ReplicaEffect;
      readonly pinned: boolean;
    };

/**
 * Settles a command by what its host measured: done counts only when the bytes changed as the command asked. An action that the
 * plane gave up (`expired`) is settled by a late receipt too, since the measurement is the truth and the expiry was a guess.
 */
export function decideReceipt(facts: ReceiptFacts): ReceiptDecision {
  const refusal = receiptRefusal(facts);
  if (refusal !== undefined) return { kind: 'refused', reason: refusal };
  const { state, reason } = settledState(facts);
  return { kind: 'settled', state, reason, replica: replicaEffect(facts, state), pinned: isPinned(facts, state) };
}

const LOCAL: readonly ReceiptType[] = ['prefetch', 'evict', 'demote'];

function receiptRefusal({ receipt, action }: ReceiptFacts): ReceiptRefusal | undefined {
  if (receipt.origin === 'local') {
    if (action !== undefined) return 'already-settled';
    return LOCAL.includes(receipt.type) ? undefined : 'not-local';
  }
  if (action === undefined) return 'unknown-action';
  const same =
    action.host?.id === receipt.host &&
    action.host.generation === receipt.generation &&
    action.type === receipt.type &&
    action.digest === receipt.digest;
  if (!same) return 'other-command';
  return action.state === 'pending' || action.state === 'expired' ? undefined : 'already-settled';
}

/**
 * A host keeps a pin when it fetches a broken copy again, while its catalog row went with that copy and came back without one: by
 * refusing an eviction the host tells of the pin again.
 */
function isPinned({ receipt, replica }: ReceiptFacts, state: ActionState): boolean {
  const { type, code } = receipt;
  if (type === 'evict' && state === 'failed' && code === 'pinned') return true;
  if (state === 'done' && (type === 'pin' || type === 'unpin')) return type === 'pin';
  return replica?.pinned ?? false;
}

function settledState(facts: ReceiptFacts): {
  state: Exclude<ActionState, 'pending' | 'expired' | 'superseded'>;
  reason: SettleReason;
} {
  switch (facts.receipt.outcome) {
    case 'done':
      if (bytesFit(facts)) return { state: 'done', reason: 'as-measured' };
      return { state: facts.receipt.measured.bytesAfter > 0 ? 'leaked' : 'failed', reason: 'bytes-do-not-fit' };
    case 'failed':
      return { state: 'failed', reason: 'host-failed' };
    case 'leaked':
      return { state: 'leaked', reason: 'host-leaked' };
    case 'refused':
      return { state: 'refused', reason: 'host-refused' };
  }
}

function bytesFit({ receipt, blobBytes }: ReceiptFacts): boolean {
  const { bytesAfter } = receipt.measured;
  switch (receipt.type) {
    case 'prefetch':
    case 'pin':
    case 'verify':
      return bytesAfter === blobBytes;
    case 'demote':
      return blobBytes === undefined || bytesAfter === blobBytes;
    case 'unpin':
      // Of bytes that the catalog does not know nobody can say how many there should be.
      return blobBytes === undefined || bytesAfter === blobBytes || bytesAfter === 0;
    case 'evict':
      return bytesAfter === 0;
    case 'drain':
    case 'resize':
    case 'report':
      return true;
  }
}

/** Failures after which even a file of the right length is not to be believed. */
const DOUBTFUL: readonly ReceiptCode[] = ['corrupt', 'wrong-bytes', 'disk-error'];

function replicaEffect(facts: ReceiptFacts, state: ActionState): ReplicaEffect {
  const { receipt, replica, blobBytes } = facts;
  // A copy is the host's on whichever of its volumes it lies.
  if (receipt.digest === undefined || receipt.type === 'demote') return 'unchanged';
  const own = receipt.origin === 'command' && replica?.actionId === receipt.actionId;
  const waits = replica?.state === 'reserved' || replica?.state === 'evicting';
  // A refused command was not looked into: only the copy that waited for it changes.
  if (state === 'refused') {
    if (!own || !waits) return 'unchanged';
    return replica?.state === 'evicting' ? 'unknown' : 'gone';
  }
  const { bytesBefore, bytesAfter } = receipt.measured;
  const complete = bytesAfter > 0 && bytesAfter === blobBytes;
  if (state !== 'done' && waits && !own) return 'unchanged';
  // Something newer was measured already, by the same life of the host: another one may go by another clock.
  const comparable = replica?.host?.generation === receipt.generation;
  if (replica !== undefined && comparable && !waits && replica.checkedAt > receipt.finishedAt) return 'unchanged';
  if (state === 'done' && receipt.type !== 'evict' && complete) return 'verified';
  if (bytesAfter === 0) return 'gone';
  const untouched = complete && bytesBefore === bytesAfter && !DOUBTFUL.includes(receipt.code);
  return state === 'failed' && untouched ? 'verified' : 'unknown';
}
