import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { bucketProperties, lockedBucketProperties } from './bucketProperties.ts';
import type { S3Client } from '@aws-sdk/client-s3';
import type { LiveProperty } from './liveProperty.ts';
import type { TemplateResource } from './cdk.ts';

/*
 * A green deployment proves nothing on an emulator: what it does not know it drops without a word. Here each property that
 * the system's safety stands on is read back through the service's own API, applied there when it is missing, and read again.
 */

export interface PropertyFinding {
  readonly resource: string;
  readonly property: string;
  /** `kept` by the deployment, `applied` here, or `lost`: the emulator does not keep it even then. */
  readonly state: 'kept' | 'applied' | 'lost';
}

export interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamo: DynamoDBClient;
}

export interface Names {
  readonly bucket: string;
  readonly auditBucket: string;
  readonly table: string;
  /** What stands before every queue's name in its URL, the prefix of names included. */
  readonly queueUrlPrefix: string;
  readonly prefix: string;
}

export async function assertProperties(
  resources: readonly TemplateResource[],
  clients: Clients,
  names: Names,
): Promise<readonly PropertyFinding[]> {
  const properties = resources.flatMap(({ type, properties: wanted }): readonly LiveProperty[] => {
    if (type === 'AWS::SQS::Queue') return queueProperties(wanted, clients.sqs, names);
    if (type === 'AWS::DynamoDB::Table') return tableProperties(wanted, clients.dynamo, names.table);
    if (type === 'AWS::S3::Bucket' && 'ObjectLockConfiguration' in wanted)
      return lockedBucketProperties(wanted, clients.s3, names.auditBucket);
    if (type === 'AWS::S3::Bucket' && 'VersioningConfiguration' in wanted)
      return bucketProperties(wanted, clients.s3, names.bucket);
    return [];
  });
  const findings: PropertyFinding[] = [];
  for (const live of properties) findings.push(await settle(live));
  return findings;
}

async function settle({ resource, property, wanted, read, apply }: LiveProperty): Promise<PropertyFinding> {
  if (contains(await read(), wanted)) return { resource, property, state: 'kept' };
  await apply();
  return { resource, property, state: contains(await read(), wanted) ? 'applied' : 'lost' };
}

/** Whether everything that is wanted is there; what else is there does not matter. */
export function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const list: readonly unknown[] = wanted;
    return Array.isArray(actual) && list.every((one, index) => contains(actual[index], one));
  }
  if (typeof wanted !== 'object' || wanted === null) return actual === wanted;
  if (typeof actual !== 'object' || actual === null) return false;
  const members = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(wanted).every(([name, value]) => contains(members.get(name), value));
}

const QueueWanted = z.object({
  QueueName: z.string(),
  VisibilityTimeout: z.optional(z.number()),
  MessageRetentionPeriod: z.optional(z.number()),
  SqsManagedSseEnabled: z.boolean(),
  RedrivePolicy: z.optional(z.object({ maxReceiveCount: z.number() })),
});

const Redrive = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() });

function queueProperties(
  resource: unknown,
  sqs: SQSClient,
  { prefix, queueUrlPrefix }: Names,
): readonly LiveProperty[] {
  const wanted = QueueWanted.parse(resource);
  const urlOf = (name: string) => `${queueUrlPrefix}${name.slice(prefix.length + 1)}`;
  const QueueUrl = urlOf(wanted.QueueName);
  const attributes = async (of = QueueUrl) =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: of, AttributeNames: ['All'] }))).Attributes ?? {};
  const one = (name: QueueAttributeName, value: string | undefined): readonly LiveProperty[] =>
    value === undefined
      ? []
      : [
          {
            resource: wanted.QueueName,
            property: name,
            wanted: value,
            read: async () => (await attributes())[name],
            apply: () => sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { [name]: value } })),
          },
        ];
  const redrive = wanted.RedrivePolicy;
  return [
    ...one('VisibilityTimeout', wanted.VisibilityTimeout?.toString()),
    ...one('MessageRetentionPeriod', wanted.MessageRetentionPeriod?.toString()),
    ...one('SqsManagedSseEnabled', String(wanted.SqsManagedSseEnabled)),
    ...(redrive === undefined
      ? []
      : [
          {
            resource: wanted.QueueName,
            property: 'RedrivePolicy',
            wanted: { maxReceiveCount: redrive.maxReceiveCount, leadsTo: `${wanted.QueueName}-dlq` },
            read: async () => {
              const text = (await attributes())['RedrivePolicy'];
              if (text === undefined) return undefined;
              const { deadLetterTargetArn, maxReceiveCount } = Redrive.parse(JSON.parse(text));
              return { maxReceiveCount, leadsTo: deadLetterTargetArn.split(':').at(-1) };
            },
            apply: async () => {
              const { QueueArn } = await attributes(urlOf(`${wanted.QueueName}-dlq`));
              const policy = { deadLetterTargetArn: QueueArn, maxReceiveCount: redrive.maxReceiveCount };
              const Attributes = { RedrivePolicy: JSON.stringify(policy) };
              return sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
            },
          },
        ]),
  ];
}

const TableWanted = z.object({
  TimeToLiveSpecification: z.object({ AttributeName: z.string() }),
  PointInTimeRecoverySpecification: z.object({ PointInTimeRecoveryEnabled: z.literal(true) }),
  StreamSpecification: z.object({ StreamViewType: z.string() }),
  DeletionProtectionEnabled: z.optional(z.boolean()),
  GlobalSecondaryIndexes: z.array(z.object({ IndexName: z.string() })),
});

function tableProperties(resource: unknown, dynamo: DynamoDBClient, TableName: string): readonly LiveProperty[] {
  const wanted = TableWanted.parse(resource);
  const describe = async () => (await dynamo.send(new DescribeTableCommand({ TableName }))).Table;
  const ttl = { AttributeName: wanted.TimeToLiveSpecification.AttributeName, Enabled: true };
  return [
    {
      resource: TableName,
      property: 'TimeToLive',
      wanted: { AttributeName: ttl.AttributeName, TimeToLiveStatus: 'ENABLED' },
      read: async () => (await dynamo.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription,
      apply: () => dynamo.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl })),
    },
    {
      resource: TableName,
      property: 'PointInTimeRecovery',
      wanted: 'ENABLED',
      read: async () =>
        (await dynamo.send(new DescribeContinuousBackupsCommand({ TableName }))).ContinuousBackupsDescription
          ?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus,
      apply: () =>
        dynamo.send(
          new UpdateContinuousBackupsCommand({
            TableName,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ),
    },
    {
      resource: TableName,
      property: 'DeletionProtection',
      wanted: wanted.DeletionProtectionEnabled ?? false,
      read: async () => (await describe())?.DeletionProtectionEnabled ?? false,
      apply: () =>
        dynamo.send(
          new UpdateTableCommand({ TableName, DeletionProtectionEnabled: wanted.DeletionProtectionEnabled ?? false }),
        ),
    },
    {
      resource: TableName,
      property: 'Stream',
      wanted: wanted.StreamSpecification.StreamViewType,
      read: async () => (await describe())?.StreamSpecification?.StreamViewType,
      // A stream that comes later has another name than the one that the relay's trigger was given.
      apply: () => Promise.resolve(),
    },
    {
      resource: TableName,
      property: 'Indexes',
      wanted: wanted.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName),
      read: async () => (await describe())?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName),
      apply: () => Promise.resolve(),
    },
  ];
}
