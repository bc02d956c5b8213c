import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import type { StrataSettings } from '../settings.ts';

/** The topic that every alarm goes to. */
export class OperatorTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: { readonly settings: StrataSettings; readonly key: IKey }) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', {
      displayName: `${props.settings.prefix} alarms`,
      enforceSSL: true,
      masterKey: props.key,
    });
    const alarms = new ServicePrincipal('cloudwatch.amazonaws.com');
    // Alarms of this account: CloudWatch publishes for all.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [alarms],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    // Without this, alarms on an encrypted topic are lost silently.
    props.key.grant(alarms, 'kms:Decrypt', 'kms:GenerateDataKey*');
    if (props.settings.alarmEmail !== undefined) {
      this.topic.addSubscription(new EmailSubscription(props.settings.alarmEmail));
    }
    publish(this, 'AlarmTopicArn', this.topic.topicArn, 'Subscribe to this topic for alarms');
  }
}
