import type { EpochMs } from '../../shared/units.ts';
import type { StoredVersion } from './objectIndex.ts';

export type ObjectEventKind = 'created' | 'copied' | 'marker-created' | 'permanently-deleted';

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
  const created = kind === 'created' || kind === 'copied';
  return JSON.stringify({
    version: '0',
    id,
    'detail-type': created ? 'Object Created' : 'Object Deleted',
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
        ...(created ? { size: version.size, etag: version.versionId } : {}),
        'version-id': version.versionId,
        // S3's are hexadecimal too, without a promise of their length.
        sequencer: seq.toString(16).toUpperCase().padStart(16, '0'),
      },
      'request-id': id,
      requester: '000000000000',
      ...(created
        ? { reason: kind === 'copied' ? 'CopyObject' : 'PutObject' }
        : {
            reason: 'DeleteObject',
            'deletion-type': kind === 'marker-created' ? 'Delete Marker Created' : 'Permanently Deleted',
          }),
    },
  });
}
