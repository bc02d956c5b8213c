import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bucketUrl } from '../../../lib/adapters/aws/bucketUrl.ts';

beforeEach(() => {
  for (const variable of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_PROFILE']) vi.stubEnv(variable, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

it.each([
  ['models', 'eu-west-1', undefined, 'https://models.s3.eu-west-1.amazonaws.com/'],
  ['models', 'cn-north-1', undefined, 'https://models.s3.cn-north-1.amazonaws.com.cn/'],
  ['many-models', 'eu-west-1', 'http://127.0.0.1:4566', 'http://127.0.0.1:4566/many-models/'],
  ['models', 'eu-west-1', 'https://s3.example.com', 'https://models.s3.example.com/'],
])('of %s in %s, where the environment names %s, is %s', async (bucket, region, endpoint, url) => {
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  expect(await bucketUrl(bucket, region)).toBe(url);
});
