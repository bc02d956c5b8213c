import { createHash } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectAws } from '../../cli/connection/aws.ts';
import { HostRow } from '../../lib/catalog/index.ts';
import { HostValue } from '../../lib/catalog/rows/fleet.ts';
import { createDynamoCatalogStore } from '../../lib/adapters/aws/dynamoCatalogStore.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { uploadToS3 } from '../../lib/adapters/aws/s3Upload.ts';
import { deadLetterQueues } from '../../functions/deadLetters.ts';
import { workQueues } from '../../functions/workQueues.ts';
import { createSqsCount, createSqsStanding } from '../../lib/adapters/aws/sqsCounts.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { createDeadLetters } from '../../lib/operations/index.ts';
import { createSqsQueueAdmin, createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { FunctionQueue } from '../../lib/shared/queues.ts';
import { MIB } from '../../lib/shared/units.ts';
import { eventually } from '../support/eventually.ts';
import { createCatalogTable, dynamoOf, missing, s3Of, sqsOf, useService } from '../support/aws.ts';

const BUCKET = 'operator-models';
const PART = 5 * MIB;
const NOTHING = { labels: {}, subscriptions: [], usedBytes: 0, reservedBytes: 0, promisedBytes: 0, volumeFreeBytes: 0 };
const GPU_A = HostValue.parse({
  ...NOTHING,
  id: 'gpu-a',
  generation: 1,
  state: 'active',
  publicKey: 'k',
  protocol: 1,
  queue: 'host-gpu-a-1',
  capacityBytes: 1000,
  measuredAt: 0,
  registeredAt: 0,
  heartbeatAt: 0,
  heartbeatSequence: 1,
  dueAt: 0,
});

for (const name of ['ministack', 'minio'] as const) {
  const skipped = missing(name);
  describe.skipIf(skipped !== undefined)(`an operator’s upload to ${name} ${skipped ?? ''}`, () => {
    const service = useService(name);
    let client: S3Client;
    beforeAll(async () => {
      client = s3Of(service.running());
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      const VersioningConfiguration = { Status: 'Enabled' as const };
      await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
    });

    it.each([0, 100, PART, 2 * PART + 77])(
      'of %i bytes is whole, marked, and verified where the store can',
      async (size) => {
        const content = Buffer.alloc(size, 'strata');
        const source = {
          size,
          read: async (offset: number, length: number) => content.subarray(offset, offset + length),
        };
        let told = 0;
        const metadata = { 'strata-set': 'a' };
        const key = `uploads/m/1.0.0/f${size}`;
        const { versionId } = await uploadToS3(
          { client, bucket: BUCKET, partSize: PART },
          key,
          source,
          metadata,
          (bytes) => {
            told += bytes;
          },
        );
        expect(told).toBe(size);
        const store = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: true });
        expect(await store.head(key, versionId)).toMatchObject({ head: { size, metadata } });
        if (size === 0) return;
        const read = await store.readRange(key, versionId, 0, size);
        expect(read.outcome === 'read' && Buffer.compare(read.bytes, content)).toBe(0);
        if (name !== 'minio') return;
        const parts = Array.from({ length: Math.ceil(size / PART) }, (_, part) =>
          content.subarray(part * PART, (part + 1) * PART),
        );
        const hashes = parts.map((part) => createHash('sha256').update(part).digest('hex'));
        expect(await store.verifiedParts(key, versionId, PART)).toEqual({ sha256: hashes });
      },
    );
  });
}

const skipped = missing('ministack');
describe.skipIf(skipped !== undefined)(`a plane on AWS ${skipped ?? ''}`, () => {
  const service = useService('ministack');

  async function connect(table: string) {
    const { credentials, endpoint, region } = service.running();
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const client = dynamoOf(service.running());
    await createCatalogTable(client, table);
    const { operations } = await connectAws({
      STRATA_TABLE: table,
      STRATA_BUCKET: 'nobody-made-this',
      STRATA_QUEUE_URL_PREFIX: `${endpoint}/${credentials.accessKeyId}/nobody-made-these-`,
    });
    return { operations, catalog: createDynamoCatalogStore({ client, table }) };
  }

  it('needs the secret for nothing but commands to hosts, and not to try one', async () => {
    const { catalog, operations } = await connect('secretless-catalog');
    await catalog.transact([HostRow.put(GPU_A, 'absent')]);
    expect((await operations.listHosts({})).items).toMatchObject([{ id: 'gpu-a' }]);
    const drain = { host: GPU_A.id, command: { type: 'drain' } } as const;
    expect(await operations.commandHost({ ...drain, dryRun: true })).toMatchObject({ type: 'drain' });
    await expect(operations.commandHost({ ...drain, dryRun: false })).rejects.toMatchObject({
      code: 'no-plane',
      message: expect.stringContaining('STRATA_COMMAND_SECRET_ARN (output CommandSecretArn of the deployment)'),
    });
  });

  it('says of the bucket and the queues that are named wrongly that they are not there', async () => {
    const { operations } = await connect('doctor-catalog');
    const checks = new Map((await operations.doctor({})).items.map((one) => [one.check, one]));
    expect(checks.get('catalog')).toMatchObject({ status: 'PASSED' });
    expect(checks.get('bucket')).toMatchObject({ status: 'FAILED', detail: expect.stringContaining('STRATA_BUCKET') });
    const detail = expect.stringContaining('STRATA_QUEUE_URL_PREFIX');
    for (const check of ['queues', 'dead-letters']) {
      expect(checks.get(check)).toMatchObject({ status: 'FAILED', detail });
    }
  });
});

describe.skipIf(skipped !== undefined)(`dead letters in SQS ${skipped ?? ''}`, () => {
  const service = useService('ministack');

  /** The queues as they are deployed, of another prefix; the host has two commands that failed. */
  async function setUp(client: SQSClient) {
    const create = (queue: string, Attributes: Record<string, string> = {}) =>
      client.send(new CreateQueueCommand({ QueueName: `op-${queue}`, Attributes }));
    for (const queue of FunctionQueue.options) await create(queue);
    for (const { queue } of deadLetterQueues()) await create(queue);
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName: 'op-ingest' }));
    const options = { client, urlPrefix: QueueUrl.replace(/ingest$/, '') };
    const receiver = createSqsReceiver(options);
    const sender = createSqsSender(options);
    const called: (readonly [string, unknown])[] = [];
    const deadLetters = createDeadLetters({
      clock: systemClock,
      declared: deadLetterQueues(),
      receiver,
      sender,
      waitSeconds: 1,
      count: createSqsCount(options),
      call: async (name, event) => void called.push([name, JSON.parse(event)]),
    });
    return { create, options, receiver, sender, called, deadLetters };
  }

  it('are looked at beside the queues that they come from, of which SQS tells the counts', async () => {
    const { options, receiver, sender } = await setUp(sqsOf(service.running()));
    await sender.send('digest', [{ body: '{}' }, { body: '{}' }]);
    await receiver.receive('digest', 1, 1, 60);
    const queues = await workQueues(createSqsStanding(options));
    expect(queues.map(({ queue }) => queue).toSorted()).toEqual(FunctionQueue.options.toSorted());
    expect(queues.find(({ queue }) => queue === 'digest')).toEqual({
      queue: 'digest',
      functionName: 'digest',
      lateAfterMs: 84 * 60_000,
      waiting: 1,
      inHand: 1,
    });
  });

  it('are counted, and move back to where they came from, no more than asked for', async () => {
    const { deadLetters, receiver, sender } = await setUp(sqsOf(service.running()));
    await sender.send('ingest-dlq', [{ body: '1' }, { body: '2' }, { body: '3' }]);
    const list = await deadLetters.list();
    expect(list).toContainEqual({ queue: 'ingest-dlq', sources: ['ingest'], messages: 3 });
    expect(list.map(({ queue }) => queue)).toEqual(deadLetterQueues().map(({ queue }) => queue));
    const looked = await deadLetters.look('ingest-dlq', 10);
    expect(looked.map(({ body }) => body).toSorted()).toEqual(['1', '2', '3']);
    expect(await deadLetters.look('ingest-dlq', 1)).toHaveLength(1);
    expect(await deadLetters.redrive('ingest-dlq', 2)).toBe(2);
    expect((await receiver.receive('ingest', 10, 1, 30)).length).toBeGreaterThan(0);
    expect(await deadLetters.redrive('ingest-dlq', 10)).toBe(1);
    expect(await deadLetters.redrive('ingest-dlq', 10)).toBe(0);
  });

  it('of hosts go back to the host that each came from, and stay where that is gone', async () => {
    const { deadLetters, options, receiver, sender } = await setUp(sqsOf(service.running()));
    const QueueUrl = `${options.urlPrefix}hosts-dlq`;
    const AttributeNames = ['QueueArn' as const];
    const { Attributes } = await options.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    const admin = createSqsQueueAdmin({
      ...options,
      deadLetterArn: Attributes?.QueueArn ?? '',
      maxReceiveCount: 1,
      retentionSeconds: 3600,
      visibilitySeconds: 1,
    });
    for (const queue of ['host-a-1', 'host-b-1']) {
      await admin.create(queue);
      await sender.send(queue, [{ body: `for ${queue}` }]);
      await receiver.receive(queue, 1, 1, 0);
      await eventually(async () => {
        await receiver.receive(queue, 1, 0, 0);
        expect((await deadLetters.list()).find((one) => one.queue === 'hosts-dlq')?.messages).toBeGreaterThan(0);
      });
    }
    await eventually(async () => {
      expect((await deadLetters.list()).find((one) => one.queue === 'hosts-dlq')?.messages).toBe(2);
    });
    await admin.drop('host-b-1');
    expect(await deadLetters.redrive('hosts-dlq', 10)).toBe(1);
    expect(await receiver.receive('host-a-1', 1, 1, 30)).toMatchObject([{ body: 'for host-a-1' }]);
    expect((await deadLetters.list()).find((one) => one.queue === 'hosts-dlq')?.messages).toBe(1);
  });

  it('of schedules and of the stream call their functions again', async () => {
    const { called, deadLetters, sender } = await setUp(sqsOf(service.running()));
    const fired = { schedule: 'reconcile-uploads', scheduledTime: '2026-11-20T12:00:00.000Z' };
    await sender.send('reconcile-schedule-dlq', [{ body: JSON.stringify(fired) }]);
    await sender.send('relay-stream-dlq', [{ body: '{"DDBStreamBatchInfo":1}' }, { body: '{"DDBStreamBatchInfo":2}' }]);
    expect(await deadLetters.redrive('reconcile-schedule-dlq', 10)).toBe(1);
    expect(await deadLetters.redrive('relay-stream-dlq', 10)).toBe(2);
    expect(called).toEqual([
      ['reconcile', fired],
      ['relay', { schedule: 'relay-sweep', scheduledTime: expect.any(String) }],
    ]);
  });
});
