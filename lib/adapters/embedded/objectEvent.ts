import type { EpochMs } from '../../shared/units.ts';
import type { StoredVersion } from './objectIndex.ts';

export type ObjectEventKind = 'created' | 'copied' | 'marker-created' | 'permanently-deleted' | RestoreEventKind;
type RestoreEventKind = 'restore-completed' | 'restore-expired';

const DETAIL_TYPES: Readonly<Record<ObjectEventKind, string>> = {
  created: 'Object Created',
  copied: 'Object Created',
  'marker-created': 'Object Deleted',
  'permanently-deleted': 'Object Deleted',
  'restore-completed': 'Object Restore Completed',
  'restore-expired': 'Object Restore Expired',
};

/** EventBridge's text of one change of the bucket, with the members that S3 sends. */
export function objectEvent(options: {
  readonly id: string;
  readonly kind: ObjectEventKind;
  readonly at: EpochMs;
  readonly bucket: string;
  readonly region: string;
  readonly version: StoredVersion;
  /** The place of this change in the order of all; a removal has one of its own. */
  readonly seq: number;
}): string {
  const { id, kind, at, bucket, region, version, seq } = options;
  const deleted = kind === 'marker-created' || kind === 'permanently-deleted';
  const restored = kind === 'restore-completed' || kind === 'restore-expired';
  return JSON.stringify({
    version: '0',
    id,
    'detail-type': DETAIL_TYPES[kind],
    source: 'aws.s3',
    account: '000000000000',
    time: new Date(at).toISOString(),
    region,
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: {
        key: version.key,
        ...(deleted ? {} : { size: version.size, etag: version.versionId }),
        'version-id': version.versionId,
        // S3's are hexadecimal too, without a promise of their length; its restore events have none.
        ...(restored ? {} : { sequencer: seq.toString(16).toUpperCase().padStart(16, '0') }),
      },
      'request-id': id,
      requester: '000000000000',
      ...reasonOf(kind, version),
    },
  });
}

function reasonOf(kind: ObjectEventKind, version: StoredVersion): Readonly<Record<string, string>> {
  switch (kind) {
    case 'created':
      return { reason: 'PutObject' };
    case 'copied':
      return { reason: 'CopyObject' };
    case 'marker-created':
      return { reason: 'DeleteObject', 'deletion-type': 'Delete Marker Created' };
    case 'permanently-deleted':
      return { reason: 'DeleteObject', 'deletion-type': 'Permanently Deleted' };
    case 'restore-completed':
    case 'restore-expired':
      return { 'source-storage-class': version.storageClass };
  }
}
