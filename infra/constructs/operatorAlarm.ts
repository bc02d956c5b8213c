import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

export interface OperatorAlarmProps {
  readonly topic: ITopic;
  readonly alarmName: string;
  readonly metric: IMetric;
  /** Alarms from this value on. */
  readonly threshold: number;
  /** How many periods in a row. */
  readonly periods?: number;
  /** What a period without data means; no failure, where nothing is said. */
  readonly missing?: TreatMissingData;
  /** What happened, then "If this fails, …"; the runbook's path is added. */
  readonly description: string;
  /** Name of the runbook in docs/runbooks. */
  readonly runbook: string;
}

/** An alarm that tells a person what broke, what users notice and where the runbook is. */
export class OperatorAlarm extends Construct {
  constructor(scope: Construct, id: string, props: OperatorAlarmProps) {
    super(scope, id);
    const alarm = new Alarm(this, 'Alarm', {
      alarmName: props.alarmName,
      alarmDescription: `${props.description} Runbook: docs/runbooks/${props.runbook}.md`,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods ?? 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(props.topic));
    alarm.addOkAction(new SnsAction(props.topic));
  }
}

/** The period of all alarms: dead letters and errors are looked for every five minutes. */
export const ALARM_PERIOD = Duration.minutes(5);
