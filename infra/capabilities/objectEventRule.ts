import { Rule } from 'aws-cdk-lib/aws-events';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ObjectEventRoute } from '../../functions/shared/declaration.ts';
import { objectRuleName } from '../names.ts';

export interface ObjectEventRuleProps {
  readonly prefix: string;
  readonly functionName: string;
  readonly bucketName: string;
  readonly route: ObjectEventRoute;
  readonly queue: IQueue;
  readonly deadLetters: IQueue;
}

/** Leads the bucket's events below a prefix to a queue; what EventBridge cannot deliver within a day goes to its dead-letter queue. */
export class ObjectEventRule extends Construct {
  constructor(scope: Construct, id: string, props: ObjectEventRuleProps) {
    super(scope, id);
    const rule = new Rule(this, 'Rule', {
      ruleName: objectRuleName(props.prefix, props.functionName),
      description: `Objects below ${props.route.keyPrefix} for ${props.prefix}-${props.functionName}`,
      eventPattern: {
        source: ['aws.s3'],
        detailType: [...props.route.detailTypes],
        detail: { bucket: { name: [props.bucketName] }, object: { key: [{ prefix: props.route.keyPrefix }] } },
      },
    });
    // The target is written down here and not by CDK's SqsQueue: that one would add policies to queues of another stack.
    const resource = rule.node.defaultChild;
    if (!(resource instanceof CfnRule)) throw new TypeError('A rule is made of one AWS::Events::Rule.');
    resource.targets = [
      {
        id: 'queue',
        arn: props.queue.queueArn,
        deadLetterConfig: { arn: props.deadLetters.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
      },
    ];
  }
}
