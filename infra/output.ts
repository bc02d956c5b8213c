import { CfnOutput } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** An output of the stack under exactly this name, for people and for `cdk deploy --outputs-file`. */
export function publish(scope: Construct, name: string, value: string, description: string): void {
  new CfnOutput(scope, name, { value, description }).overrideLogicalId(name);
}
