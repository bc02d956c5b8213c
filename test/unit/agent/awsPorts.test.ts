import { expect, it } from 'vitest';
import { parseSettings } from '../../../agent/wiring/config.ts';
import { createPlanePorts } from '../../../agent/wiring/createPorts.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const FLAGS = {
  plane: 'http://127.0.0.1:9',
  host: 'gpu-a',
  data: '/data',
  'join-token': 'strata-join-none',
  runtime: 'aws',
  bucket: 'models',
  region: 'eu-west-1',
  'queue-url-prefix': 'https://sqs.eu-west-1.amazonaws.com/123456789012/strata-',
};
const settings = parseSettings(
  Object.entries(FLAGS).flatMap(([name, value]) => [`--${name}`, value]),
  {},
);
const blob = { key: 'blobs/aa/aabb', versionId: 'v 1' };
const NO_RIGHTS = /credentials to this host yet/;

it('a host on AWS reaches bucket and queues with nothing but the rights that the plane has issued to it', async () => {
  const ports = await createPlanePorts(settings, true);
  const refused = (asked: Promise<unknown>) =>
    asked.then(
      () => 'answered',
      (error: Error) => `${error.message} ${String(error.cause)}`,
    );
  expect(await refused(ports.objects.readRange(blob.key, blob.versionId, 0, 1))).toMatch(NO_RIGHTS);
  expect(await refused(ports.receiver.receive('host-gpu-a', 1, 0, 1))).toMatch(NO_RIGHTS);
  expect(await refused(ports.sender.send('receipts', [{ body: '{}' }]))).toMatch(NO_RIGHTS);
  expect(await refused(ports.blobRequest(blob, undefined))).toMatch(NO_RIGHTS);
});

it('a host on AWS signs requests for blobs in the bucket of its plane, in another region where S3 said so', async () => {
  const ports = await createPlanePorts(settings, true);
  for (const accessKeyId of ['first', 'renewed']) {
    ports.useCredentials({
      accessKeyId,
      secretAccessKey: 'secret',
      sessionToken: `token-of-${accessKeyId}`,
      expiresAt: EpochMs.parse(0),
    });
    const request = await ports.blobRequest(blob, undefined);
    expect(request.origin).toBe('https://models.s3.eu-west-1.amazonaws.com');
    expect(request.target).toMatch(/^\/blobs\/aa\/aabb\?(.*&)?versionId=v%201(&|$)/);
    expect(request.headers).toMatchObject({
      'x-amz-security-token': `token-of-${accessKeyId}`,
      authorization: expect.stringContaining(`Credential=${accessKeyId}/`),
    });
    const elsewhere = await ports.blobRequest(blob, 'us-east-2');
    expect(elsewhere.origin).toBe('https://models.s3.us-east-2.amazonaws.com');
    expect(elsewhere.headers['authorization']).toContain('/us-east-2/s3/');
  }
});
