import type { Upload } from '../catalog/index.ts';

/** A call hashes or copies for some minutes; the largest object that S3 takes (50 TB) needs about 1,500 of them. */
const DIGEST_HOP_LIMIT = 2_000;

/** What becomes of an upload that needs one more call of the function digest. */
export function nextHop({ hop }: Upload): Partial<Upload> {
  if (hop + 1 < DIGEST_HOP_LIMIT) return { hop: hop + 1 };
  const text = `Not published after ${DIGEST_HOP_LIMIT} calls; upload the file again.`;
  return { state: 'quarantined', quarantine: { reason: 'hop-limit', text } };
}
