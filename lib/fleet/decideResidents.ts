import type { Replica } from '../catalog/index.ts';
import type { Digest, Generation } from '../shared/ids.ts';
import type { EpochMs } from '../shared/units.ts';

/** What the host's list of verified blobs says about one copy. */
export type ResidentReason =
  /** Listed, and the catalog did not know it in this generation. */
  | 'confirmed'
  /** Believed, but not listed: the copy is gone. */
  | 'lost'
  /** Listed as pinned where the catalog says otherwise, or the other way round. */
  | 'pin-differs'
  /** A command about it is under way, or its receipt is newer than the list. */
  | 'left-alone'
  | 'as-known';

export interface ResidentReport {
  readonly residents: ReadonlySet<Digest>;
  /** Those of them that are pinned; undefined where the host's agent does not tell. */
  readonly pinned: ReadonlySet<Digest> | undefined;
  readonly generation: Generation;
  /** When the list was made, by the host's clock. */
  readonly at: EpochMs;
}

/** Compares one copy that the catalog knows with the host's own list, which wins wherever nothing newer was measured. */
export function decideResident(replica: Replica, report: ResidentReport): ResidentReason {
  const current = replica.host?.generation === report.generation;
  const listed = report.residents.has(replica.digest);
  switch (replica.state) {
    case 'reserved':
    case 'evicting':
      return current || !listed ? 'left-alone' : 'confirmed';
    case 'unknown':
      return listed ? 'confirmed' : 'lost';
    case 'verified':
      if (current && replica.checkedAt > report.at) return listed ? 'as-known' : 'left-alone';
      if (!listed) return 'lost';
      if (!current) return 'confirmed';
      return (report.pinned?.has(replica.digest) ?? replica.pinned) === replica.pinned ? 'as-known' : 'pin-differs';
  }
}
