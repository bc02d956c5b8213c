import { createS3Requests } from './s3Requests.ts';

const KEY = 'any';

/** Where the SDK looks for a bucket: by region and partition, or where `AWS_ENDPOINT_URL` or the profile says. */
export async function bucketUrl(bucket: string, region: string): Promise<string> {
  const credentials = { accessKeyId: 'nobody', secretAccessKey: 'nobody' };
  const { origin, target } = await createS3Requests({ region, credentials }).get({
    bucket,
    key: KEY,
    versionId: undefined,
  });
  return origin + target.slice(0, target.lastIndexOf(KEY, target.indexOf('?')));
}
