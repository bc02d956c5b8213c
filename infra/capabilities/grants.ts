import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Grant } from '../../functions/shared/declaration.ts';

import { CATALOG_INDEXES } from './catalogTable.ts';

/** The ARNs that grants are made of. */
export interface GrantTargets {
  readonly bucketArn: string;
  readonly auditBucketArn: string;
  readonly tableArn: string;
  readonly keyArn: string;
  readonly secretArn: string;
  readonly functionQueueArns: readonly string[];
  /** Every host's queue: a name prefix, since hosts come and go without a deployment. */
  readonly hostQueuesArn: string;
  readonly hostRoleArn: string;
  /** The state machine that sweeps over the inventory. */
  readonly sweepMachineArn: string;
}

const READ_KEY = ['kms:Decrypt', 'kms:DescribeKey'];
const WRITE_KEY = [...READ_KEY, 'kms:Encrypt', 'kms:GenerateDataKey'];

const READ_OBJECTS = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectAttributes', 's3:GetObjectVersionAttributes'];

/** The least actions for a grant, on exactly the resources that it names. */
export function statementsOf(grant: Grant, on: GrantTargets): readonly PolicyStatement[] {
  const allow = (actions: readonly string[], ...resources: readonly string[]) =>
    new PolicyStatement({ actions: [...actions], resources: [...resources] });
  const objects = (prefix: 'uploads' | 'blobs') => `${on.bucketArn}/${prefix}/*`;
  // S3 answers 404 to a look at an absent key only to those who may list; the others get 403.
  const tellAbsent = allow(['s3:ListBucket'], on.bucketArn);
  const list = (prefix: string) =>
    new PolicyStatement({
      actions: ['s3:ListBucketVersions'],
      resources: [on.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${prefix}/*` } },
    });
  switch (grant) {
    case 'catalog:read':
      return [
        allow(['dynamodb:GetItem', 'dynamodb:Query'], on.tableArn),
        allow(['dynamodb:Query'], ...CATALOG_INDEXES.map((index) => `${on.tableArn}/index/${index}`)),
        allow(READ_KEY, on.keyArn),
      ];
    case 'catalog:write':
      return [
        allow(['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'], on.tableArn),
        allow(WRITE_KEY, on.keyArn),
      ];
    case 'uploads:read':
      return [allow(READ_OBJECTS, objects('uploads')), tellAbsent, allow(READ_KEY, on.keyArn)];
    case 'uploads:list':
      return [list('uploads')];
    case 'uploads:write':
      return [allow(['s3:PutObject', 's3:AbortMultipartUpload'], objects('uploads')), allow(WRITE_KEY, on.keyArn)];
    case 'uploads:delete':
      return [allow(['s3:DeleteObjectVersion'], objects('uploads'))];
    case 'blobs:read':
      return [allow(READ_OBJECTS, objects('blobs')), tellAbsent, allow(READ_KEY, on.keyArn)];
    case 'blobs:write':
      return [
        allow(['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], objects('blobs')),
        allow(WRITE_KEY, on.keyArn),
      ];
    case 'blobs:list':
      return [
        list('blobs'),
        // Its listing takes no prefix condition; uploads under way tell keys and nothing else.
        allow(['s3:ListBucketMultipartUploads'], on.bucketArn),
      ];
    case 'blobs:delete':
      return [allow(['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:AbortMultipartUpload'], objects('blobs'))];
    case 'blobs:restore':
      return [allow(['s3:RestoreObject'], objects('blobs'))];
    case 'seals:write':
      return [
        allow(['s3:PutObject', 's3:PutObjectRetention', 's3:GetObjectVersion'], `${on.auditBucketArn}/seals/*`),
        allow(['s3:ListBucketVersions'], on.auditBucketArn),
      ];
    case 'send:function-queues':
      return [allow(['sqs:SendMessage'], ...on.functionQueueArns)];
    case 'send:host-queues':
      return [allow(['sqs:SendMessage'], on.hostQueuesArn)];
    case 'manage:host-queues':
      return [allow(['sqs:CreateQueue', 'sqs:DeleteQueue'], on.hostQueuesArn)];
    case 'command-key:read':
      return [allow(['secretsmanager:GetSecretValue'], on.secretArn), allow(READ_KEY, on.keyArn)];
    case 'host-credentials:issue':
      return [allow(['sts:AssumeRole', 'sts:TagSession'], on.hostRoleArn)];
    case 'inventory-sweeps:start':
      return [allow(['states:StartExecution'], on.sweepMachineArn)];
    default:
      return unknownGrant(grant);
  }
}

function unknownGrant(grant: never): never {
  throw new TypeError(`No actions are written down for ${String(grant)}.`);
}
