import type { UploadHead } from '../catalog/index.ts';
import { compareSequencers } from './sequencer.ts';

/** What was told about one key: by the store's events, or by a reconciler that asks to look again. */
export type Notification =
  | { readonly kind: 'created'; readonly versionId: string; readonly sequencer: string }
  | { readonly kind: 'deleted'; readonly sequencer: string }
  | { readonly kind: 'look' };

export type ObservationDecision =
  /** The current version is to be ingested; `head` is the row to write. */
  | { readonly action: 'accept'; readonly head: UploadHead }
  | { readonly action: 'tombstone'; readonly head: UploadHead }
  | { readonly action: 'ignore'; readonly reason: 'stale' | 'superseded' | 'already-deleted' | 'never-seen' };

export interface ObservationFacts {
  readonly key: string;
  readonly notification: Notification;
  /** The newest that the catalog knows of the key. */
  readonly head: UploadHead | undefined;
  /** The version that is current in the bucket, asked for after the notification came. */
  readonly currentVersionId: string | undefined;
}

/**
 * Orders what is told about one key. The bucket says what is current; the sequencer keeps a notification that was overtaken
 * between asking the bucket and writing the row from undoing a newer one, above all a put from undoing a delete.
 */
export function decideObservation({
  key,
  notification,
  head,
  currentVersionId,
}: ObservationFacts): ObservationDecision {
  const known = head?.sequencer ?? '';
  const told = notification.kind === 'look' ? known : notification.sequencer;
  if (notification.kind !== 'look' && told !== '' && compareSequencers(told, known) < 0) {
    return { action: 'ignore', reason: 'stale' };
  }
  const sequencer = told === '' ? known : told;
  if (currentVersionId === undefined) {
    if (head?.deleted === true && head.sequencer === sequencer) return { action: 'ignore', reason: 'already-deleted' };
    if (notification.kind === 'created') return { action: 'ignore', reason: 'superseded' };
    if (notification.kind === 'look' && head === undefined) return { action: 'ignore', reason: 'never-seen' };
    return { action: 'tombstone', head: { key, sequencer, deleted: true } };
  }
  // A delete whose key is current again was followed by a put, and a put that is not current by another one: each of them
  // tells for itself.
  const superseded =
    notification.kind === 'deleted' || (notification.kind === 'created' && notification.versionId !== currentVersionId);
  if (superseded) return { action: 'ignore', reason: 'superseded' };
  return { action: 'accept', head: { key, sequencer, versionId: currentVersionId, deleted: false } };
}
