import type { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import { acknowledge } from '../acknowledge.ts';
import type { DataKey } from './dataKey.ts';

/** The string that the plane's signing keys are derived from. */
export class CommandSecret extends Construct {
  readonly secret: Secret;

  constructor(scope: Construct, id: string, props: { readonly key: DataKey; readonly removal: RemovalPolicy }) {
    super(scope, id);
    this.secret = new Secret(this, 'Secret', {
      description: 'Strata: what commands to hosts are signed with. Rotation: docs/deploy.md',
      encryptionKey: props.key.key,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: props.removal,
    });
    acknowledge(
      this.secret,
      'AwsSolutions-SMG4',
      'A rotation must wait until every host has learnt the next key (stage AWSPENDING), so an operator starts it; a timer would cut hosts off.',
    );
    publish(this, 'CommandSecretArn', this.secret.secretArn, 'The secret that command keys are derived from');
  }
}
