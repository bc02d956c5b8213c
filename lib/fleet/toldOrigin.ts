import type { Origin } from '../../events/host-command/v1.ts';
import type { Blob, Host } from '../catalog/index.ts';
import { blobKey } from '../shared/digest.ts';

/** Where a host reads a blob from, and in which class that lies: agents of an older protocol refuse what they do not know. */
export function toldOrigin({ digest, origin }: Blob, { protocol }: Pick<Host, 'protocol'>): Origin {
  const { versionId, storageClass } = origin;
  return { key: blobKey(digest), versionId, ...(protocol < 3 ? {} : { storageClass }) };
}
