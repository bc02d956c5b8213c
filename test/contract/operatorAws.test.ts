import { createHash } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { uploadToS3 } from '../../lib/adapters/aws/s3Upload.ts';
import { createSqsDeadLetters } from '../../lib/adapters/aws/sqsDeadLetters.ts';
import { createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { FunctionQueue } from '../../lib/shared/queues.ts';
import { MIB } from '../../lib/shared/units.ts';
import { missing, s3Of, sqsOf, useService } from '../support/aws.ts';

const BUCKET = 'operator-models';
const PART = 5 * MIB;

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
        expect(await store.verifiedParts(key, versionId, PART)).toEqual(hashes);
      },
    );
  });
}

const skipped = missing('ministack');
describe.skipIf(skipped !== undefined)(`dead letters in SQS ${skipped ?? ''}`, () => {
  const service = useService('ministack');

  async function setUp(client: SQSClient) {
    for (const queue of FunctionQueue.options) {
      for (const QueueName of [`op-${queue}`, `op-${queue}-dead`])
        await client.send(new CreateQueueCommand({ QueueName }));
    }
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName: 'op-ingest' }));
    return { client, urlPrefix: QueueUrl.replace(/ingest$/, '') };
  }

  it('are counted, and move back to where they came from, no more than asked for', async () => {
    const options = await setUp(sqsOf(service.running()));
    const deadLetters = createSqsDeadLetters(options);
    await createSqsSender(options).send('ingest-dead', [{ body: '1' }, { body: '2' }, { body: '3' }]);
    const list = await deadLetters.list();
    expect(list).toContainEqual({ queue: 'ingest-dead', sources: ['ingest'], messages: 3 });
    expect(list).toHaveLength(FunctionQueue.options.length);
    expect(await deadLetters.redrive('ingest-dead', 2)).toBe(2);
    const back = await createSqsReceiver(options).receive('ingest', 10, 1, 30);
    expect(back.length).toBeGreaterThan(0);
    expect(await deadLetters.redrive('ingest-dead', 10)).toBe(1);
    expect(await deadLetters.redrive('ingest-dead', 10)).toBe(0);
  });
});
