import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { allow } from '../acknowledge.ts';
import type { StrataFunction } from '../constructs/strataFunction.ts';
import { batchJobsRoleName, inventoryBucketName } from '../names.ts';
import { publish } from '../output.ts';

/** The role that jobs of S3 Batch Operations run as: read a manifest, call the one function, write a report. Designed, not run on AWS. */
export class BatchJobs extends Construct {
  constructor(scope: Construct, id: string, props: { readonly prefix: string; readonly worker: StrataFunction }) {
    super(scope, id);
    const stack = Stack.of(this);
    const role = new Role(this, 'Role', {
      roleName: batchJobsRoleName(this, props.prefix),
      assumedBy: new ServicePrincipal('batchoperations.s3.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    const inventoryArn = stack.formatArn({
      service: 's3',
      account: '',
      region: '',
      resource: inventoryBucketName(this, props.prefix),
    });
    const grant = (actions: string[], resource: string) =>
      allow(role, new PolicyStatement({ actions, resources: [resource] }));
    grant(['lambda:InvokeFunction'], props.worker.function.functionArn);
    grant(['s3:GetObject', 's3:GetObjectVersion'], `${inventoryArn}/manifests/*`);
    grant(['s3:PutObject'], `${inventoryArn}/reports/*`);
    publish(this, 'BatchJobsRoleArn', role.roleArn, 'Jobs of mass moves run as this role: --job-role');
    publish(
      this,
      'MoveListedArn',
      props.worker.function.functionArn,
      'Jobs of mass moves call this function: --job-function',
    );
  }
}
