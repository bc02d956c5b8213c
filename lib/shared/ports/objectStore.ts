import type { StorageClass } from '../ids.ts';
import type { EpochMs } from '../units.ts';

export interface ObjectHead {
  readonly key: string;
  readonly versionId: string;
  readonly size: number;
  readonly etag: string;
  readonly storageClass: StorageClass;
  readonly lastModified: EpochMs;
  readonly metadata: Readonly<Record<string, string>>;
  /** For archived classes: whether a restored copy can be read now. Absent for classes that are always readable. */
  readonly restore?: { readonly state: 'archived' | 'restoring' | 'restored'; readonly until?: EpochMs };
}

export type HeadOutcome = { readonly outcome: 'found'; readonly head: ObjectHead } | { readonly outcome: 'absent' };

export type ReadOutcome =
  | { readonly outcome: 'read'; readonly bytes: Uint8Array }
  | { readonly outcome: 'absent' }
  /** The class is archived and no restored copy is there. */
  | { readonly outcome: 'archived' };

export interface WriteOptions {
  /** `absent`: only if no current version (a delete marker counts as none) exists under the key. */
  readonly onlyIf?: 'absent';
  readonly storageClass?: StorageClass;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Locks the version that is written: until this moment nobody can remove it nor shorten its time, and `remove` with its id is
   * refused (`access-denied`, by MinIO `invalid-request`). Newer versions and delete markers over it are still possible. Only for
   * `write`, and only of stores that lock.
   */
  readonly retainUntil?: EpochMs;
}

export type WriteOutcome =
  | { readonly outcome: 'written'; readonly versionId: string; readonly etag: string; readonly size: number }
  | { readonly outcome: 'exists' }
  /** A concurrent write or delete of the same key; the caller may try again. */
  | { readonly outcome: 'busy' };

/** What lets a copy that takes longer than one call go on in the next. */
export interface ResumableCopy {
  /** What an earlier call of the same copy was told; where it is gone, the copy begins anew. */
  readonly resume?: string | undefined;
  /** Told once, before any byte is copied, where the copy may take several calls: to be kept for the next one. */
  readonly begun: (resume: string) => Promise<void>;
  /** Asked before further parts are begun; each call copies some. */
  readonly mayGoOn: () => boolean;
}

export interface CopyOptions extends WriteOptions {
  readonly resumable?: ResumableCopy;
}

/** Of each part in turn, lower-case hex: SHA-256, and CRC-32C where the store has computed it too. */
export interface VerifiedParts {
  readonly sha256: readonly string[];
  readonly crc32c?: readonly string[];
}

export interface UnfinishedCopy {
  readonly key: string;
  readonly resume: string;
  readonly startedAt: EpochMs;
}

export type CopyOutcome =
  | WriteOutcome
  /** The time was up; what was copied is kept for the next call. Only where the copy is resumable. */
  | { readonly outcome: 'unfinished' }
  | { readonly outcome: 'source-absent' }
  | { readonly outcome: 'source-archived' };

export type EndOutcome =
  | Extract<WriteOutcome, { outcome: 'written' | 'busy' }>
  /** It was ended or abandoned, or the store has forgotten it. */
  | { readonly outcome: 'gone' };

/** How fast, and for how much, archived bytes come back; `expedited` is not to be had for every class and size. */
export type RestoreTier = 'expedited' | 'standard' | 'bulk';

export interface RestoreRequest {
  readonly tier: RestoreTier;
  /** How long the restored copy stays readable; whole days from 1. */
  readonly days: number;
}

export type RestoreOutcome =
  /** Begun by this call, or made faster by it; `readyAt` where the store can tell. */
  | { readonly outcome: 'restoring'; readonly readyAt?: EpochMs }
  /** One that is as fast or faster is under way, or the store makes none faster: this call changed nothing. */
  | { readonly outcome: 'under-way'; readonly readyAt?: EpochMs }
  /** A restored copy is there already; it stays for the asked days from now. */
  | { readonly outcome: 'restored' }
  /** The class is read without a restore. */
  | { readonly outcome: 'not-archived' }
  | { readonly outcome: 'absent' }
  /** The tier is not to be had for this object or at this moment: ask for a slower one. */
  | { readonly outcome: 'tier-unavailable' };

export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
  readonly size: number;
  readonly storageClass: StorageClass;
  readonly lastModified: EpochMs;
}

/** What a host may do: read pinned versions. */
export interface ObjectReader {
  /** Without a version id: the current version. Absent is everything also where there is no such bucket; a read tells that. */
  head(key: string, versionId?: string): Promise<HeadOutcome>;
  /**
   * Exactly `length` bytes from `offset` of one pinned version; a range outside the object is a `PortError` `invalid-request`,
   * a bucket that is not there `no-such-bucket`. At most 64 MiB a call.
   */
  readRange(key: string, versionId: string, offset: number, length: number): Promise<ReadOutcome>;
}

/**
 * A versioned bucket. Every write makes a new version and never changes an old one. Deleting without a version id adds a
 * delete marker; deleting a version removes its bytes for good.
 * Errors: `PortError` `throttled` and `unavailable` (retryable), `access-denied`, `invalid-request`, `too-large`.
 */
export interface ObjectStore extends ObjectReader {
  /**
   * The storage classes that it has: STANDARD, which is written where none is named, and those that can be named. Another one is refused
   * (`invalid-request`). Never changes while the store is open.
   */
  readonly classes: readonly StorageClass[];
  /** The checksums of parts that the store verified itself on upload (each part `partSize` long but the last); else undefined. */
  verifiedParts(key: string, versionId: string, partSize: number): Promise<VerifiedParts | undefined>;
  /** For small objects (at most 64 MiB). */
  write(key: string, bytes: Uint8Array, options?: WriteOptions): Promise<WriteOutcome>;
  /** Server-side copy of one pinned version of any size; above 5 GB by parts, and then resumable. Metadata replaces the source's when given. */
  copy(
    source: { readonly key: string; readonly versionId: string },
    key: string,
    options?: CopyOptions,
  ): Promise<CopyOutcome>;
  /**
   * Begins an object that is written by parts, over as many calls as it takes; answers the name that the other three want. Nothing lies
   * under the key before its end. A store may forget it at any time.
   */
  beginParts(key: string, options?: Pick<WriteOptions, 'storageClass' | 'metadata'>): Promise<string>;
  /** The bytes of each part that is there, by its number; undefined where the store knows nothing of it. */
  writtenParts(key: string, resume: string): Promise<ReadonlyMap<number, number> | undefined>;
  /** Numbers from 1 to 10,000 in any order; 5 MiB to 65 MiB, the last one also less. Of several writes of one part the last one stays. */
  writePart(key: string, resume: string, number: number, bytes: Uint8Array): Promise<'written' | 'gone'>;
  /** Makes parts 1 to `count` the object's next version; a part that is missing is a `PortError` `invalid-request`. `busy`: end it again. */
  endParts(key: string, resume: string, count: number): Promise<EndOutcome>;
  /** Copies and objects by parts under a prefix that were begun and neither ended nor abandoned, by key. For sweeps, never on a request path. */
  listUnfinishedCopies(query: {
    readonly prefix: string;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly copies: readonly UnfinishedCopy[]; readonly cursor?: string }>;
  /** Frees what an unfinished copy, or object by parts, has stored; succeeds where there is none. */
  abandonCopy(key: string, resume: string): Promise<void>;
  /**
   * Asks for a readable copy of one archived version, for some days; its class stays what it is. The store tells the end of it by the
   * events `Object Restore Completed` and, when the days are over, `Object Restore Expired`; both may come late, twice or never, and
   * `head` tells the truth. A faster tier than that of the restore under way overrides it, where the store can; its days stay those first
   * asked for, and both requests are charged. Safe to repeat.
   */
  restore(key: string, versionId: string, request: RestoreRequest): Promise<RestoreOutcome>;
  /** Adds a delete marker, or with a version id removes that version; both succeed when there is nothing to delete. */
  remove(key: string, versionId?: string): Promise<void>;
  /** Versions under a prefix, by key and then newest first. For reconcilers, never on a request path. */
  listVersions(query: { readonly prefix: string; readonly limit: number; readonly cursor?: string }): Promise<{
    readonly versions: readonly ObjectVersion[];
    readonly cursor?: string;
  }>;
}
