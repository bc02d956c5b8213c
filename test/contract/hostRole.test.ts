import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { createSqsReceiver } from '../../lib/adapters/aws/sqsQueues.ts';
import { createStsHostCredentials } from '../../lib/adapters/aws/stsHostCredentials.ts';
import { Generation, HostId, hostQueue } from '../../lib/shared/ids.ts';
import { type RunningService, startMiniStack } from '../../local/services/start.ts';
import { synthesize, textOf } from '../infra/templates.ts';
import { missing, s3Of, sqsOf } from '../support/aws.ts';

const skipped = missing('ministack');
const ACCOUNT = '000000000000';
const BUCKET = `strata-models-${ACCOUNT}-us-east-1`;
const [HOST, OTHER] = [HostId.parse('gpu-1'), HostId.parse('gpu-2')];
const [FIRST, SECOND] = [Generation.parse(1), Generation.parse(2)];

/**
 * The policy that the stacks give to hosts, on an emulator that evaluates policies. It knows no policy variables, so the
 * tags of the session under test stand in their place; that STS fills them in is AWS's promise.
 */
describe.skipIf(skipped !== undefined)(`the host role ${skipped ?? ''}`, () => {
  let service: RunningService;
  let urlPrefix: string;
  beforeAll(async () => {
    service = await startMiniStack({ enforcesPolicies: true });
    urlPrefix = `${service.endpoint}/${ACCOUNT}/strata-`;
    const sqs = sqsOf(service);
    for (const queue of [
      hostQueue(HOST, FIRST),
      hostQueue(HOST, SECOND),
      hostQueue(OTHER, SECOND),
      'receipts',
      'ingest',
    ]) {
      await sqs.send(new CreateQueueCommand({ QueueName: `strata-${queue}` }));
    }
    const s3 = s3Of(service);
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
    for (const Key of ['blobs/x', 'uploads/x'])
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'bytes' }));
    await createHostRole(service);
  });
  afterAll(() => service.stop());

  async function session() {
    const sts = new STSClient({ endpoint: service.endpoint, region: service.region, credentials: service.credentials });
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/strata-host`;
    const credentials = await createStsHostCredentials({ client: sts, roleArn }).issue(HOST, SECOND);
    const config = { endpoint: service.endpoint, region: service.region, credentials };
    const client = new SQSClient(config);
    const objects = new S3Client({ ...config, forcePathStyle: true });
    return {
      ...createSqsReceiver({ client, urlPrefix }),
      // Alone, not as a batch: AWS asks for the same right for both, the emulator for one that AWS does not have.
      send: (queue: string) => client.send(new SendMessageCommand({ QueueUrl: urlPrefix + queue, MessageBody: 'x' })),
      objects: createS3ObjectStore({ client: objects, bucket: BUCKET, verifiesChecksums: true }),
    };
  }
  const denied = { code: 'access-denied' };

  it('lets a host read the queue of its own generation', async () => {
    const host = await session();
    expect(await host.receive(hostQueue(HOST, SECOND), 1, 0, 30)).toEqual([]);
  });

  it('lets it read no other host’s queue and none of its older generations', async () => {
    const host = await session();
    await expect(host.receive(hostQueue(OTHER, SECOND), 1, 0, 30)).rejects.toMatchObject(denied);
    await expect(host.receive(hostQueue(HOST, FIRST), 1, 0, 30)).rejects.toMatchObject(denied);
  });

  it('lets it report, and send to no other function and to no host', async () => {
    const host = await session();
    await host.send('receipts');
    for (const queue of ['ingest', hostQueue(OTHER, SECOND)]) {
      await expect(host.send(queue)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    }
    await expect(host.receive('receipts', 1, 0, 30)).rejects.toMatchObject(denied);
  });

  it('lets it read blobs, no uploads, and write nothing', async () => {
    const { objects } = await session();
    expect(await objects.head('blobs/x')).toMatchObject({ outcome: 'found' });
    await expect(objects.head('uploads/x')).rejects.toMatchObject(denied);
    await expect(objects.write('blobs/y', Buffer.from('forged'))).rejects.toMatchObject(denied);
    await expect(objects.remove('blobs/x')).rejects.toMatchObject(denied);
  });
});

/** Through IAM's query API as root, whose signature the emulator does not check: the project needs no IAM client else. */
async function createHostRole(service: RunningService): Promise<void> {
  const root = `arn:aws:iam::${ACCOUNT}:root`;
  const trust = policy([{ Effect: 'Allow', Principal: { AWS: root }, Action: ['sts:AssumeRole', 'sts:TagSession'] }]);
  await iam(service, { Action: 'CreateRole', RoleName: 'strata-host', AssumeRolePolicyDocument: trust });
  const PolicyDocument = policy(hostStatements());
  await iam(service, { Action: 'PutRolePolicy', RoleName: 'strata-host', PolicyName: 'host', PolicyDocument });
}

const policy = (statements: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });

function hostStatements(): readonly object[] {
  const found = synthesize()
    .of('AWS::IAM::Policy')
    .filter(({ logicalId }) => logicalId.startsWith('HostAccess'));
  expect(found).toHaveLength(1);
  return found[0]?.properties['PolicyDocument'].Statement.map((statement: { Resource: unknown }) => ({
    ...statement,
    Resource: [statement.Resource].flat().map((resource) => deployed(textOf(resource))),
  }));
}

/** The resource as it is in the emulator's account. */
function deployed(resource: string): string {
  return resource
    .replaceAll('<AWS::Partition>', 'aws')
    .replaceAll('<AWS::Region>', 'us-east-1')
    .replaceAll('<AWS::AccountId>', ACCOUNT)
    .replace('${aws:PrincipalTag/strata:host}', HOST)
    .replace('${aws:PrincipalTag/strata:generation}', String(SECOND))
    .replace(/^<(\w+?)Queue[0-9A-F]{8}\.Arn>$/, (_all, name: string) => queueArn(name));
}

const queueArn = (logicalId: string) => `arn:aws:sqs:us-east-1:${ACCOUNT}:strata-${logicalId.toLowerCase()}`;

async function iam(service: RunningService, parameters: Record<string, string>): Promise<void> {
  const credential = `${service.credentials.accessKeyId}/20260101/${service.region}/iam/aws4_request`;
  const answer = await fetch(service.endpoint, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0` },
    body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
  });
  if (!answer.ok) throw new Error(`${parameters['Action']}: ${answer.status} ${await answer.text()}`);
}
