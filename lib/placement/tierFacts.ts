import type { Digest, StorageClass } from '../shared/ids.ts';
import type { Bytes, EpochMs } from '../shared/units.ts';

/** What the catalog knows about one stored object when its class is decided. */
export interface TierFacts {
  readonly digest: Digest;
  readonly bytes: Bytes;
  readonly storageClass: StorageClass;
  readonly createdAt: EpochMs;
  /** When the object entered its class: the start of the minimum-duration clock. */
  readonly transitionedAt: EpochMs;
  readonly lastAccessAt?: EpochMs | undefined;
  readonly accessesLast30Days: number;
  /** Set while something needs the object where it is; such objects never move. */
  readonly heldBy?: 'lease' | 'pin' | 'legal-hold' | 'pending-fill' | undefined;
}
