import { type Blob, BlobRow, expectationOf, type Replica, type Versioned } from '../catalog/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';

/**
 * Goes with a write of what a host holds. A blob that is purged at this moment gets no copy; and a purge that has read the copies
 * before a new one came must look again, so a new one writes the blob's row.
 */
export function keepBlob(blob: Versioned<Blob>, before: Versioned<Replica> | undefined): Change {
  const expect = expectationOf(blob);
  if (before === undefined) return BlobRow.put(blob.value, expect);
  return { kind: 'check', key: BlobRow.key(blob.value.digest), expect };
}
