import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { HOST_DEAD_LETTERS } from '../functions/shared/declaration.ts';

/** The EventBridge rule that leads a function's object events to its queue; named, so that the queue can admit it alone. */
export const objectRuleName = (prefix: string, functionName: string): string => `${prefix}-${functionName}-objects`;

export function objectRuleArn(scope: IConstruct, prefix: string, functionName: string): string {
  return Stack.of(scope).formatArn({
    service: 'events',
    resource: 'rule',
    resourceName: objectRuleName(prefix, functionName),
  });
}

/** Begins the name of every host's queue: `<prefix>-host-<host>-<generation>`. */
export const hostQueuePrefix = (prefix: string): string => `${prefix}-host-`;

/** Role names are the account's, so the region is part of this one. */
export const hostRoleName = (scope: IConstruct, prefix: string): string => `${prefix}-host-${Stack.of(scope).region}`;

/** What EC2 instances register as. */
export const agentRoleName = (scope: IConstruct, prefix: string): string => `${prefix}-agent-${Stack.of(scope).region}`;

/** Bucket names are the world's, so account and region are part of this one. */
export function bucketName(scope: IConstruct, prefix: string): string {
  const { account, region } = Stack.of(scope);
  return `${prefix}-models-${account}-${region}`;
}

/** Of lists that are made anew every day; see `InventoryBucket`. */
export function inventoryBucketName(scope: IConstruct, prefix: string): string {
  const { account, region } = Stack.of(scope);
  return `${prefix}-inventory-${account}-${region}`;
}

/** Of the seals of the audit trail; see `AuditBucket`. */
export function auditBucketName(scope: IConstruct, prefix: string): string {
  const { account, region } = Stack.of(scope);
  return `${prefix}-audit-${account}-${region}`;
}

/** The S3 Inventory of everything below `blobs/`. */
export const BLOB_INVENTORY = 'blobs';

export const sweepStateMachineName = (prefix: string): string => `${prefix}-sweep-inventory-map`;

/** What jobs of S3 Batch Operations run as. */
export const batchJobsRoleName = (scope: IConstruct, prefix: string): string =>
  `${prefix}-batch-jobs-${Stack.of(scope).region}`;

export const tableName = (prefix: string): string => `${prefix}-catalog`;
export const hostDeadLetterName = (prefix: string): string => `${prefix}-${HOST_DEAD_LETTERS}`;
