import type { RangedReader } from '../scanning/index.ts';
import type { ObjectReader } from '../shared/ports/objectStore.ts';

/** The pinned version went away, or its class cannot be read. */
export class UnreadableUpload extends Error {
  override readonly name = 'UnreadableUpload';
  readonly outcome: 'absent' | 'archived';
  constructor(outcome: UnreadableUpload['outcome']) {
    super(`the object is ${outcome}`);
    this.outcome = outcome;
  }
}

/** The bytes of one object version, for the scanner. Reading throws `UnreadableUpload`, or the store's retryable errors. */
export function pinnedReader(
  objects: ObjectReader,
  { key, versionId, size }: { readonly key: string; readonly versionId: string; readonly size: number },
): RangedReader {
  return {
    size,
    async read(offset, length) {
      const answer = await objects.readRange(key, versionId, offset, length);
      if (answer.outcome !== 'read') throw new UnreadableUpload(answer.outcome);
      return answer.bytes;
    },
  };
}
