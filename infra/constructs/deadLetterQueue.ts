import { Duration } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { type IQueue, Queue, QueueEncryption, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import { ALARM_PERIOD, OperatorAlarm } from './operatorAlarm.ts';

export interface DeadLetterQueueProps {
  readonly queueName: string;
  readonly topic: ITopic;
  readonly ifThisFails: string;
  readonly runbook: string;
  /** The queue whose poison messages come here; absent where others than one queue send to it. */
  readonly source?: IQueue;
}

/** Keeps what could not be handled for 14 days and alarms from the first message on. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: DeadLetterQueueProps) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      queueName: props.queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      ...(props.source === undefined
        ? {}
        : { redriveAllowPolicy: { redrivePermission: RedrivePermission.BY_QUEUE, sourceQueues: [props.source] } }),
    });
    if (props.source === undefined) {
      acknowledge(
        this.queue,
        'AwsSolutions-SQS3',
        'It is a dead-letter queue: of hosts’ queues, an event target, a schedule or a stream, which cdk-nag does not look at.',
      );
    }
    new OperatorAlarm(this, 'NotEmpty', {
      topic: props.topic,
      alarmName: `${props.queueName}-not-empty`,
      metric: this.queue.metricApproximateNumberOfMessagesVisible({ period: ALARM_PERIOD, statistic: 'Maximum' }),
      threshold: 1,
      description: `Messages are in ${props.queueName}. If this fails, ${props.ifThisFails}`,
      runbook: props.runbook,
    });
  }
}
