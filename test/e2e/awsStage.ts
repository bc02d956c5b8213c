import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { expect } from 'vitest';
import { deadLetterQueues } from '../../functions/deadLetters.ts';
import { createDynamoCatalogStore } from '../../lib/adapters/aws/dynamoCatalogStore.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { createLambdaCaller } from '../../lib/adapters/aws/lambdaCaller.ts';
import { createSqsCount } from '../../lib/adapters/aws/sqsCounts.ts';
import { createSqsReceiver, createSqsSender, queueNamePrefix } from '../../lib/adapters/aws/sqsQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { showAudit, verifyAudit } from '../../lib/operations/audit.ts';
import { runDelete, runUndo } from '../../lib/operations/deletion.ts';
import { createJoinToken } from '../../lib/fleet/index.ts';
import { createDeadLetters } from '../../lib/operations/index.ts';
import { MINUTE_MS } from '../../lib/shared/units.ts';
import { startLocalAgent } from '../../local/agents.ts';
import { startLocalAws } from '../../local/localAws.ts';
import { invokeSchedule } from '../../local/schedules.ts';
import { eventually } from '../support/eventually.ts';
import type { HostStage } from './hostStage.ts';
import { bodiesOf, createStageHosts, expectNone, unsentShards, waitedQueues } from './stageParts.ts';

/** So long nothing may be seen on its way before it counts as settled: events take a moment from the bucket to a queue. */
const QUIET_MS = 1_500;
/** The deployed stacks on the local AWS. */
export async function createAwsStage(): Promise<HostStage> {
  // What the tests pack is small.
  const context = { heartbeatSeconds: '2', tierPacking: 'on', packAboveBytes: '100000' };
  const aws = await startLocalAws({ tell: () => undefined, context });
  const { clients, outputs } = aws;
  const { s3, sqs } = clients;
  const Bucket = outputs.BucketName;
  const folder = mkdtempSync(join(tmpdir(), 'strata-aws-stage-'));
  const hosts = createStageHosts();
  const rows = createDynamoCatalogStore({ client: clients.dynamo, table: outputs.TableName });
  const seals = createS3ObjectStore({ client: s3, bucket: outputs.AuditBucketName, verifiesChecksums: true });
  const operator = { catalog: rows, clock: systemClock, random: nodeRandom };
  const sender = createSqsSender({ client: sqs, urlPrefix: outputs.QueueUrlPrefix });
  const queueOptions = { client: sqs, urlPrefix: outputs.QueueUrlPrefix };
  const deadLetters = createDeadLetters({
    clock: systemClock,
    declared: deadLetterQueues(),
    receiver: createSqsReceiver(queueOptions),
    sender,
    waitSeconds: 1,
    count: createSqsCount(queueOptions),
    call: createLambdaCaller(queueNamePrefix(outputs.QueueUrlPrefix), {
      region: aws.region,
      endpoint: aws.environment['AWS_ENDPOINT_URL'],
      credentials: {
        accessKeyId: aws.environment['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: aws.environment['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    }),
  });
  const urlOf = (queue: string) => `${outputs.QueueUrlPrefix}${queue}`;
  const attributes = async (queue: string) => {
    const asked = new GetQueueAttributesCommand({ QueueUrl: urlOf(queue), AttributeNames: ['All'] });
    return (await sqs.send(asked)).Attributes ?? {};
  };

  /** What is on its way, by where. */
  async function onTheirWay(): Promise<Readonly<Record<string, number>>> {
    const found: Record<string, number> = { outbox: await unsentShards(rows) };
    for (const queue of waitedQueues()) {
      const counts = await attributes(queue);
      const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: inFlight } = counts;
      found[queue] =
        Number(visible ?? 0) + Number(inFlight ?? 0) + Number(counts.ApproximateNumberOfMessagesDelayed ?? 0);
    }
    return found;
  }

  return {
    async upload(Key, Body, Metadata = {}) {
      const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body, Metadata: { ...Metadata } }));
      return put.VersionId ?? '';
    },
    async remove(Key) {
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    send: (queue, bodies) => sender.send(queue, bodiesOf(bodies)),
    async settled() {
      let quietSince = Date.now();
      await eventually(async () => {
        const messages = await onTheirWay();
        if (Object.values(messages).some((count) => count > 0)) quietSince = Date.now();
        expectNone(messages);
        expect(Date.now() - quietSince, 'milliseconds without a message').toBeGreaterThanOrEqual(QUIET_MS);
      }, 90_000);
    },
    rows,
    objects: createS3ObjectStore({ client: s3, bucket: Bucket, verifiesChecksums: true }),
    deadLetters: async (queue) => Number((await attributes(`${queue}-dlq`)).ApproximateNumberOfMessages ?? 0),
    redrive: (queue) => deadLetters.redrive(`${queue}-dlq`, 1_000),
    operate: {
      deleteVersion: (input) => runDelete(operator, input),
      undoDelete: (input) => runUndo(operator, input),
      showAudit: (input) => showAudit(rows, input),
      verifyAudit: (input) => verifyAudit({ catalog: rows, seals }, input),
    },
    fire: (functionName, schedule, at) => invokeSchedule(aws, { functionName, schedule }, at),
    planeUrl: aws.planeUrl,
    async joinToken(names) {
      const deps = { catalog: rows, clock: systemClock, random: nodeRandom };
      return (await createJoinToken(deps, { hosts: names, uses: 1, ttlMs: MINUTE_MS })).token;
    },
    async startHost(host) {
      return hosts.add(await startLocalAgent(aws, rows, { host, folder, onEnded: () => undefined }));
    },
    async stop() {
      await hosts.stop();
      await aws.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
