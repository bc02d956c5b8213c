import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  InventoryFormat,
  InventoryFrequency,
  InventoryObjectVersion,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import { BLOB_INVENTORY, inventoryBucketName } from '../names.ts';
import { publish } from '../output.ts';

export interface InventoryBucketProps {
  readonly prefix: string;
  readonly removal: RemovalPolicy;
  readonly models: Bucket;
}

/**
 * Where S3 lists the model bucket's blobs every day (`inventory/`), where map runs leave their results (`sweeps/`), and where operators
 * put the manifests of mass moves (`manifests/`) and find the reports (`reports/`). All of it is forgotten after two weeks.
 */
export class InventoryBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: InventoryBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName: inventoryBucketName(this, props.prefix),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: props.removal,
      // Keys, sizes and classes of blobs; reports of Batch Operations are always encrypted with S3's own keys.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        { id: 'expire', expiration: Duration.days(14), abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    });
    acknowledge(
      this.bucket,
      'AwsSolutions-S1',
      'It holds lists of digests that are made anew every day and forgotten after two weeks.',
    );
    props.models.addInventory({
      inventoryId: BLOB_INVENTORY,
      destination: { bucket: this.bucket, prefix: 'inventory' },
      format: InventoryFormat.CSV,
      frequency: InventoryFrequency.DAILY,
      includeObjectVersions: InventoryObjectVersion.CURRENT,
      objectsPrefix: 'blobs/',
      optionalFields: ['Size', 'LastModifiedDate', 'StorageClass'],
    });
    publish(
      this,
      'InventoryBucketName',
      this.bucket.bucketName,
      'Takes the manifests of mass moves: --inventory-bucket',
    );
  }
}
