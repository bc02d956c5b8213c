import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Effect, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { auditBucketName } from '../names.ts';
import { publish } from '../output.ts';
import type { StrataSettings } from '../settings.ts';

export interface AuditBucketProps {
  /** Where its access log goes. */
  readonly logs: Bucket;
  readonly settings: StrataSettings;
}

/**
 * The seals of the audit trail (`seals/`), each locked in compliance mode: until its retention is over nobody can remove it, and deleting
 * the stacks keeps the bucket, whatever `teardown` says, since it could not be emptied.
 */
export class AuditBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { logs, settings }: AuditBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName: auditBucketName(this, settings.prefix),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      // With a key of our own, whoever deletes the key would take away what nobody can delete.
      encryption: BucketEncryption.S3_MANAGED,
      versioned: true,
      objectLockDefaultRetention: ObjectLockRetention.compliance(Duration.days(settings.auditRetentionDays)),
      serverAccessLogsBucket: logs,
      serverAccessLogsPrefix: 'audit/',
    });
    // The lock stops the removal of versions; a delete marker over one would only hide it, but nobody has a reason to lay one.
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
        resources: [this.bucket.arnForObjects('*')],
      }),
    );
    // Whoever has the sealer's credentials could otherwise lock a seal for a moment only. A day less: S3 counts whole days from when it looks.
    this.refuseLocks({
      NumericLessThan: { 's3:object-lock-remaining-retention-days': settings.auditRetentionDays - 1 },
    });
    this.refuseLocks({ StringEquals: { 's3:object-lock-mode': 'GOVERNANCE' } });
    publish(this, 'AuditBucketName', this.bucket.bucketName, 'Holds the seals of the audit trail: STRATA_AUDIT_BUCKET');
  }

  /** Of a write that names no lock the condition keys are absent: then the bucket's own lock holds. */
  private refuseLocks(conditions: Record<string, Record<string, string | number>>): void {
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['s3:PutObject', 's3:PutObjectRetention'],
        resources: [this.bucket.arnForObjects('*')],
        conditions,
      }),
    );
  }
}
