import {
  type BucketLifecycleConfiguration,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { LiveProperty } from './liveProperty.ts';

const RuleWanted = z.object({
  Id: z.string(),
  Status: z.literal('Enabled'),
  AbortIncompleteMultipartUpload: z.optional(z.object({ DaysAfterInitiation: z.number() })),
  NoncurrentVersionExpiration: z.optional(z.object({ NoncurrentDays: z.number() })),
  ExpiredObjectDeleteMarker: z.optional(z.boolean()),
});

const BucketWanted = z.object({
  LifecycleConfiguration: z.object({ Rules: z.array(RuleWanted) }),
  LoggingConfiguration: z.object({ LogFilePrefix: z.string() }),
});

/** The model bucket's properties; the template says of each other one what `test/infra` checks. */
export function bucketProperties(resource: unknown, s3: S3Client, Bucket: string): readonly LiveProperty[] {
  const wanted = BucketWanted.parse(resource);
  const property = (name: string, value: unknown, read: () => Promise<unknown>, apply: () => Promise<unknown>) => ({
    resource: Bucket,
    property: name,
    wanted: value,
    read: () => orNothing(read),
    apply,
  });
  const rules = wanted.LifecycleConfiguration.Rules.map(ruleOf);
  const block = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
  const encryption = { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const } }] };
  const notification = { EventBridgeConfiguration: {} };
  const lifecycle: BucketLifecycleConfiguration = { Rules: rules };
  return [
    property(
      'Versioning',
      'Enabled',
      async () => (await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status,
      () => s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
    ),
    property(
      'Lifecycle',
      rules,
      async () => (await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules,
      () => s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: lifecycle })),
    ),
    property(
      'Encryption',
      encryption,
      async () => (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration,
      () => s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: encryption })),
    ),
    property(
      'PublicAccessBlock',
      block,
      async () => (await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration,
      () => s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: block })),
    ),
    property(
      'EventBridge',
      notification,
      () => s3.send(new GetBucketNotificationConfigurationCommand({ Bucket })),
      () => s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: notification })),
    ),
    property(
      'Logging',
      { TargetPrefix: wanted.LoggingConfiguration.LogFilePrefix },
      async () => (await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled,
      () =>
        s3.send(
          new PutBucketLoggingCommand({
            Bucket,
            BucketLoggingStatus: {
              LoggingEnabled: { TargetBucket: Bucket, TargetPrefix: wanted.LoggingConfiguration.LogFilePrefix },
            },
          }),
        ),
    ),
  ];
}

const LockedBucketWanted = z.object({
  ObjectLockConfiguration: z.object({
    Rule: z.object({ DefaultRetention: z.object({ Mode: z.literal('COMPLIANCE'), Days: z.number() }) }),
  }),
});

/** That the bucket of seals keeps versions and locks them. */
export function lockedBucketProperties(resource: unknown, s3: S3Client, Bucket: string): readonly LiveProperty[] {
  const { DefaultRetention } = LockedBucketWanted.parse(resource).ObjectLockConfiguration.Rule;
  const lock = { ObjectLockEnabled: 'Enabled' as const, Rule: { DefaultRetention } };
  return [
    {
      resource: Bucket,
      property: 'Versioning',
      wanted: 'Enabled',
      read: async () => (await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status,
      apply: () => s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
    },
    {
      resource: Bucket,
      property: 'ObjectLock',
      wanted: lock,
      read: () =>
        orNothing(
          async () => (await s3.send(new GetObjectLockConfigurationCommand({ Bucket }))).ObjectLockConfiguration,
        ),
      apply: () => s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: lock })),
    },
  ];
}

function ruleOf(rule: z.infer<typeof RuleWanted>): LifecycleRule {
  const { AbortIncompleteMultipartUpload, NoncurrentVersionExpiration } = rule;
  return {
    ID: rule.Id,
    Status: rule.Status,
    Filter: { Prefix: '' },
    ...(AbortIncompleteMultipartUpload === undefined ? {} : { AbortIncompleteMultipartUpload }),
    ...(NoncurrentVersionExpiration === undefined ? {} : { NoncurrentVersionExpiration }),
    ...(rule.ExpiredObjectDeleteMarker === undefined
      ? {}
      : { Expiration: { ExpiredObjectDeleteMarker: rule.ExpiredObjectDeleteMarker } }),
  };
}

/** S3 answers 404 to a question about a configuration that is not there. */
async function orNothing(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    if (
      error instanceof Error &&
      /^(NoSuch|ObjectLockConfigurationNotFound|ServerSideEncryptionConfigurationNotFound)/.test(error.name)
    )
      return undefined;
    throw error;
  }
}
