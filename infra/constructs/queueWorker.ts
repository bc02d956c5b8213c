import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  lateAfterSeconds,
  queueDeadLetters,
  type Trigger,
  visibilitySeconds,
} from '../../functions/shared/declaration.ts';
import { objectRuleArn } from '../names.ts';
import { DeadLetterQueue } from './deadLetterQueue.ts';
import { ALARM_PERIOD, OperatorAlarm } from './operatorAlarm.ts';
import { StrataFunction, type StrataFunctionProps } from './strataFunction.ts';

export type QueueTrigger = Extract<Trigger, { kind: 'queue' }>;

/**
 * A queue, the function that works it off and its dead-letter queue. The function reports failed messages one by one, the
 * rest of their batch is done; a message that fails too often goes to the dead-letter queue and raises an alarm.
 */
export class QueueWorker extends Construct {
  readonly worker: StrataFunction;
  readonly queue: Queue;
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: StrataFunctionProps & { readonly trigger: QueueTrigger }) {
    super(scope, id);
    const { declaration, settings, topic, trigger } = props;
    const queueName = `${settings.prefix}-${trigger.queue}`;
    const { ifThisFails, name: runbook } = declaration;
    this.worker = new StrataFunction(this, 'Worker', props);
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', {
      queueName: `${settings.prefix}-${queueDeadLetters(trigger.queue)}`,
      topic,
      ifThisFails,
      runbook,
      // By name: the two queues refer to each other.
      source: Queue.fromQueueArn(this, 'Source', Stack.of(this).formatArn({ service: 'sqs', resource: queueName })),
    });
    this.queue = new Queue(this, 'Queue', {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(visibilitySeconds(declaration)),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: trigger.maxReceiveCount },
    });
    this.#connect(trigger);
    if (trigger.objectEvents !== undefined) this.#admitObjectEvents(settings.prefix, declaration.name);
    new OperatorAlarm(this, 'Late', {
      topic,
      alarmName: `${queueName}-late`,
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: ALARM_PERIOD, statistic: 'Maximum' }),
      threshold: lateAfterSeconds(declaration),
      description: `Messages wait too long in ${queueName}. If this fails, ${ifThisFails}`,
      runbook,
    });
  }

  #connect(trigger: QueueTrigger): void {
    this.worker.role.addToPolicy(
      new PolicyStatement({
        // ChangeMessageVisibility: the function says how soon a failed message comes again.
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
        resources: [this.queue.queueArn],
      }),
    );
    this.worker.function.addEventSourceMapping('Messages', {
      eventSourceArn: this.queue.queueArn,
      batchSize: trigger.batchSize,
      reportBatchItemFailures: true,
      maxConcurrency: trigger.maxConcurrency,
    });
  }

  /** The queue and its dead-letter queue take messages from exactly one rule. */
  #admitObjectEvents(prefix: string, name: string): void {
    for (const queue of [this.queue, this.deadLetters.queue]) {
      queue.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal('events.amazonaws.com')],
          actions: ['sqs:SendMessage'],
          resources: [queue.queueArn],
          conditions: { ArnEquals: { 'aws:SourceArn': objectRuleArn(this, prefix, name) } },
        }),
      );
    }
  }
}
