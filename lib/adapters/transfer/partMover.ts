import type { TransferJob } from '../../shared/ports/transfer.ts';
import type { ByteRange } from './cutRanges.ts';
import type { Failure } from './failures.ts';

export type PartEnd =
  /** What the bytes that were written hash to: at least what was asked for. */
  | { readonly outcome: 'moved'; readonly sha256?: string; readonly crc32c?: string }
  | { readonly outcome: 'failed'; readonly failure: Failure; readonly retryable: boolean };

export interface RunningPart {
  /** Never rejects. */
  readonly end: Promise<PartEnd>;
  bytesSoFar(): number;
  /** It ends as soon as nothing of it writes any more. */
  cancel(): void;
}

/** Brings parts of a blob from the origin into its file, unsynced and unchecked. Decides itself how many at once. */
export interface PartMover {
  /** `left` are the bytes that the whole job still has to bring. SHA-256 is computed where `sha256` asks for it, else CRC-32C. */
  move(job: TransferJob, part: ByteRange, left: number, sha256: boolean): RunningPart;
}
