import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSqsQueueAdmin, createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { missing, sqsOf, useService } from '../support/aws.ts';
import { messageQueueContract, queueAdminContract } from './messageQueue.suite.ts';

const skipped = missing('ministack');

describe.skipIf(skipped !== undefined)(`SQS ${skipped ?? ''}`, () => {
  const service = useService('ministack');
  let client: SQSClient;
  let urlPrefix: string;
  let deadLetterArn: string;
  let created = 0;
  beforeAll(async () => {
    client = sqsOf(service.running());
    deadLetterArn = await define('hosts-dlq', {});
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName: 'strata-hosts-dlq' }));
    urlPrefix = QueueUrl.replace(/hosts-dlq$/, '');
  });

  async function define(name: string, attributes: Record<string, string>): Promise<string> {
    const QueueName = `strata-${name}`;
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes: attributes }));
    const answer = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    return answer.Attributes?.['QueueArn'] ?? '';
  }

  const queues = () => ({
    ...createSqsSender({ client, urlPrefix }),
    ...createSqsReceiver({ client, urlPrefix }),
    ...createSqsQueueAdmin({
      client,
      urlPrefix,
      deadLetterArn,
      maxReceiveCount: 2,
      retentionSeconds: 3600,
      visibilitySeconds: 30,
    }),
  });

  messageQueueContract('SQS', async () => ({
    queues: queues(),
    newQueue: async () => {
      created += 1;
      const deadLetter = `letters-${created}-dlq`;
      const deadLetterTargetArn = await define(deadLetter, {});
      const redrive = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 2 });
      await define(`letters-${created}`, { RedrivePolicy: redrive });
      return { queue: `letters-${created}`, deadLetter };
    },
    pass: (seconds) => sleep(seconds * 1000),
  }));

  queueAdminContract('SQS', async () => ({
    queues: queues(),
    freshName: () => {
      created += 1;
      return `host-h-${created}`;
    },
  }));

  it('gives a host’s queue the shared dead-letter queue, encryption and a refusal of plain HTTP', async () => {
    await queues().create('host-checked-1');
    const answer = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: `${urlPrefix}host-checked-1`, AttributeNames: ['All'] }),
    );
    expect(JSON.parse(answer.Attributes?.['RedrivePolicy'] ?? '{}')).toMatchObject({
      deadLetterTargetArn: deadLetterArn,
    });
    expect(answer.Attributes).toMatchObject({ VisibilityTimeout: '30', MessageRetentionPeriod: '3600' });
    expect(answer.Attributes?.['Policy']).toContain('"aws:SecureTransport":"false"');
  });
});
