import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type Action, type Blob, recordedInputs } from '../../lib/catalog/index.ts';
import { ActionId, CorrelationId } from '../../lib/shared/ids.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';

/** A transition of an origin with its message, as if a sweep called `by` had decided it. */
export function decidedTransition(
  blob: Pick<Blob, 'digest' | 'origin'>,
  by: string,
  now: EpochMs,
  wish: Partial<Pick<TransitionReplica, 'to' | 'encoding' | 'belowRatio' | 'from'>> = {},
): { readonly action: Action; readonly message: TransitionReplica } {
  const { digest, origin } = blob;
  const { storageClass, versionId } = origin;
  const actionId = ActionId.parse(`transition-${by}-${digest}`);
  const correlationId = CorrelationId.parse(by);
  const action: Action = {
    actionId,
    type: 'transition',
    digest,
    state: 'pending',
    reason: 'test',
    policy: 'test',
    chosen: `${nameOf(wish.encoding)} ${wish.to ?? storageClass}`,
    alternatives: [],
    ...recordedInputs({ by, digest }),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + DAY_MS),
    correlationId,
  };
  const message: TransitionReplica = {
    schema: 'transition-replica/1',
    actionId,
    digest,
    from: { storageClass, versionId },
    to: storageClass,
    correlationId,
    hop: 0,
    ...wish,
  };
  return { action, message };
}

function nameOf(encoding: TransitionReplica['encoding']): string {
  if (encoding === undefined) return 'transition';
  return encoding === 'identity' ? 'unpack' : 'pack';
}
