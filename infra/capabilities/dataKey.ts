import type { RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** The customer-managed key of bucket, table and secret. It rotates every year; old material keeps decrypting. */
export class DataKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, props: { readonly removal: RemovalPolicy }) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: 'Strata: models, catalog and command keys',
      enableKeyRotation: true,
      removalPolicy: props.removal,
    });
  }
}
