import { S3Client } from '@aws-sdk/client-s3';
import { PART_SIZE } from '../../shared/digest.ts';
import { FetchError } from '../transfer/download/fetchError.ts';
import type { DownloadJob } from '../transfer/download/download.ts';
import { createS3ObjectStore } from './s3ObjectStore.ts';
import { clientConfigOf, type S3Place } from './s3Place.ts';
import { createS3Requests } from './s3Requests.ts';

export interface S3Address {
  readonly bucket: string;
  readonly key: string;
  /** Undefined: the current version, which is pinned before its first byte is read. */
  readonly versionId: string | undefined;
}

export type OpenedS3Object = Pick<DownloadJob, 'probed' | 'sign' | 'tls' | 'name' | 'partHashes'>;

/** The SDK's own credentials and configuration: environment, profile, instance role. @throws PortError, FetchError */
export async function openS3Object(address: S3Address, place: S3Place): Promise<OpenedS3Object> {
  const { bucket, key } = address;
  const config = { ...(await clientConfigOf(place)), followRegionRedirects: true };
  const store = createS3ObjectStore({ client: new S3Client(config), bucket, verifiesChecksums: true });
  const found = await store.head(key, address.versionId);
  if (found.outcome === 'absent') {
    throw new FetchError({ code: 'absent', message: `There is no s3://${bucket}/${key}.`, retryable: false });
  }
  const { head } = found;
  // An unversioned bucket calls its only version null; its ETag pins it.
  const versionId = head.versionId === 'null' ? undefined : head.versionId;
  const requests = createS3Requests(config);
  const verified = await store.verifiedParts(key, head.versionId, PART_SIZE).catch(() => undefined);
  return {
    probed: { identity: { totalBytes: head.size, etag: `"${head.etag}"` }, ranges: true },
    sign: (region) => requests.get({ bucket, key, versionId }, region),
    // Where the environment names another endpoint, the first signature tells.
    tls: place.endpoint?.startsWith('https:') ?? true,
    name: `s3://${bucket}/${key}?versionId=${head.versionId}`,
    ...(verified === undefined ? {} : { partHashes: verified.sha256 }),
  };
}
