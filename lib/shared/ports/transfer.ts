import type { PartManifest } from '../digest.ts';

export interface TransferJob {
  readonly id: string;
  readonly source: { readonly key: string; readonly versionId: string };
  readonly manifest: PartManifest;
  /** A path on the store's disk; already allocated to the blob's size. */
  readonly path: string;
  /** Parts that an earlier try has written and verified; they are not fetched again. */
  readonly done: ReadonlySet<number>;
  /**
   * Lower comes first: 0 an inference process waits, 1 commanded, 2 speculative. It may fall while the transfer runs: whoever gives
   * a part its turn reads it at that moment.
   */
  readonly priority: 0 | 1 | 2;
}

export interface TransferProgress {
  readonly bytesDone: number;
  readonly totalBytes: number;
}

export type TransferOutcome =
  | { readonly outcome: 'done'; readonly bytesRead: number }
  | { readonly outcome: 'cancelled' }
  | {
      readonly outcome: 'failed';
      readonly code:
        | 'no-space'
        | 'disk-error'
        | 'wrong-bytes'
        | 'origin-absent'
        | 'origin-archived'
        | 'origin-unavailable'
        | 'denied';
      readonly message: string;
      /** Whether trying again later may help. */
      readonly retryable: boolean;
    };

export interface RunningTransfer {
  progress(): TransferProgress;
  /** Never rejects. */
  readonly outcome: Promise<TransferOutcome>;
  cancel(): void;
}

/**
 * Moves one blob from the origin onto the disk: ranged reads of a pinned version, each fixed part checked against the
 * manifest before it is reported. `onPart` is awaited after a part's bytes are written and synced, so that the caller's
 * journal never runs ahead of the disk. The file is complete, verified and synced when the outcome is `done`; nothing is
 * published or renamed here.
 */
export interface Transfer {
  start(job: TransferJob, onPart: (part: number) => Promise<void>): RunningTransfer;
}
