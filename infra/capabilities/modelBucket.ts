import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import { acknowledge } from '../acknowledge.ts';
import { bucketName } from '../names.ts';
import type { StrataSettings } from '../settings.ts';
import type { DataKey } from './dataKey.ts';

export interface ModelBucketProps {
  readonly key: DataKey;
  readonly removal: RemovalPolicy;
  readonly settings: StrataSettings;
}

/** The versioned bucket of `uploads/` and `blobs/`, and the bucket that its access log goes to. */
export class ModelBucket extends Construct {
  readonly bucket: Bucket;
  /** Where access logs go. */
  readonly logs: Bucket;

  constructor(scope: Construct, id: string, props: ModelBucketProps) {
    super(scope, id);
    const common = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: props.removal,
    };
    // S3 delivers access logs only to buckets with its own encryption keys.
    this.logs = new Bucket(this, 'AccessLogs', {
      ...common,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ id: 'expire-logs', expiration: Duration.days(90) }],
    });
    acknowledge(
      this.logs,
      'AwsSolutions-S1',
      'The bucket that access logs go to; logging its own writes would never end.',
    );
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName: bucketName(this, props.settings.prefix),
      ...common,
      encryption: BucketEncryption.KMS,
      encryptionKey: props.key.key,
      // One data key per bucket and hour instead of one KMS call per object.
      bucketKeyEnabled: true,
      versioned: true,
      serverAccessLogsBucket: this.logs,
      serverAccessLogsPrefix: 'models/',
      lifecycleRules: lifecycleOf(props.settings),
    });
    turnOnEventBridge(this.bucket);
    publish(this, 'BucketName', this.bucket.bucketName, 'The model bucket; agents take it as --bucket');
  }
}

function lifecycleOf(settings: StrataSettings): LifecycleRule[] {
  return [
    { id: 'abort-stale-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
    // Only uploads: a version under blobs/ that is no longer current may still be what the catalog serves from or a fill
    // reads; the transition and the sweep of orphans delete it when nothing does.
    {
      id: 'expire-old-uploads',
      prefix: 'uploads/',
      noncurrentVersionExpiration: Duration.days(settings.noncurrentVersionDays),
    },
    { id: 'drop-expired-delete-markers', expiredObjectDeleteMarker: true },
  ];
}

/** The bucket's own property instead of CDK's `eventBridgeEnabled`, which deploys a function just to set it. */
function turnOnEventBridge(bucket: Bucket): void {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new TypeError('A bucket is made of one AWS::S3::Bucket.');
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
}
