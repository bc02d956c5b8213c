import { Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';
import { acknowledge, allow } from '../acknowledge.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';
import type { StrataFunction } from '../constructs/strataFunction.ts';
import { bucketName, inventoryBucketName, sweepStateMachineName } from '../names.ts';
import { type InventoryMapTrigger, sweepDefinition } from './sweepDefinition.ts';

export interface InventorySweepProps {
  readonly prefix: string;
  readonly declaration: FunctionDeclaration;
  readonly trigger: InventoryMapTrigger;
  readonly worker: StrataFunction;
  readonly topic: ITopic;
}

/** The state machine that has a function decide about every row of the bucket's inventory. Designed, not run on AWS. */
export class InventorySweep extends Construct {
  constructor(scope: Construct, id: string, props: InventorySweepProps) {
    super(scope, id);
    const { declaration, prefix, worker } = props;
    const name = sweepStateMachineName(prefix);
    const stack = Stack.of(this);
    const inventoryBucket = inventoryBucketName(this, prefix);
    const inventoryArn = stack.formatArn({ service: 's3', account: '', region: '', resource: inventoryBucket });
    const executions = (of: string) => stack.formatArn({ service: 'states', resource: `execution:${of}:*` });
    const machineArn = stack.formatArn({ service: 'states', resource: `stateMachine:${name}` });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    const grant = (actions: string[], resource: string) =>
      allow(role, new PolicyStatement({ actions, resources: [resource] }));
    grant(['lambda:InvokeFunction'], worker.function.functionArn);
    grant(['states:StartExecution'], machineArn);
    grant(['states:DescribeExecution', 'states:StopExecution'], executions(name));
    // The label of the map stands in the names of its children.
    grant(
      ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
      executions(`${name}/batches`),
    );
    grant(['s3:ListBucket'], inventoryArn);
    grant(['s3:GetObject'], `${inventoryArn}/inventory/*`);
    grant(
      ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
      `${inventoryArn}/sweeps/*`,
    );
    const machine = new CfnStateMachine(this, 'StateMachine', {
      stateMachineName: name,
      stateMachineType: 'STANDARD',
      roleArn: role.roleArn,
      definition: sweepDefinition({
        modelBucket: bucketName(this, prefix),
        inventoryBucket,
        functionArn: worker.function.functionArn,
        trigger: props.trigger,
      }),
    });
    machine.node.addDependency(role);
    acknowledge(
      machine,
      'AwsSolutions-SF1',
      'Its history and each failed batch stand in the execution, and the function logs every blob that failed.',
    );
    acknowledge(
      machine,
      'AwsSolutions-SF2',
      'Lines of the function carry the sweep’s correlation id; X-Ray would bill a trace for each of a million batches.',
    );
    for (const metricName of ['ExecutionsFailed', 'ExecutionsTimedOut']) {
      new OperatorAlarm(this, metricName, {
        topic: props.topic,
        alarmName: `${name}-${metricName === 'ExecutionsFailed' ? 'failed' : 'timed-out'}`,
        metric: new Metric({
          namespace: 'AWS/States',
          metricName,
          dimensionsMap: { StateMachineArn: machineArn },
          period: ALARM_PERIOD,
          statistic: 'Sum',
        }),
        threshold: 1,
        description: `The sweep over the inventory did not end well. If this fails, ${declaration.ifThisFails}`,
        runbook: declaration.name,
      });
    }
  }
}
