/** As many parts as an object can be written in; each part of the blob is one of the packed object. */
const MOST_PARTS = 10_000;

/** What is known of an origin that might be packed. */
export interface PackingFacts {
  readonly bytes: number;
  readonly partSize: number;
  /** Whether its class is read without a restore. */
  readonly instant: boolean;
  readonly packed: boolean;
  /** Estimated, or measured when it was packed in vain. */
  readonly ratio: number | undefined;
}

export type PackRefusal =
  | 'already-packed'
  /** It would have to be restored only to be packed. */
  | 'archived'
  /**
   * More than 10,000 parts, which is 671 GB in parts of 64 MiB: S3 takes no more. Packing so many takes 6 hours at 30 MB/s, and reading them
   * back 4; a day is what the command has.
   */
  | 'too-many-parts'
  /** Its next re-scan estimates how small it would get. */
  | 'not-measured';

/** Why an origin cannot be packed, whatever it would save; undefined where it can. */
export function packRefusal({ bytes, partSize, instant, packed, ratio }: PackingFacts): PackRefusal | undefined {
  if (packed) return 'already-packed';
  if (!instant) return 'archived';
  if (ratio === undefined) return 'not-measured';
  return Math.ceil(bytes / partSize) > MOST_PARTS ? 'too-many-parts' : undefined;
}
