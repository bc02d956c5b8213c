import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';

export interface CatalogAlarmsProps {
  readonly prefix: string;
  readonly table: ITable;
  readonly topic: ITopic;
}

/** The catalog throttles (a hot partition) or fails. */
export class CatalogAlarms extends Construct {
  constructor(scope: Construct, id: string, props: CatalogAlarmsProps) {
    super(scope, id);
    const metric = (metricName: string) =>
      new Metric({
        namespace: 'AWS/DynamoDB',
        metricName,
        dimensionsMap: { TableName: props.table.tableName },
        period: ALARM_PERIOD,
        statistic: 'Sum',
      });
    for (const [id, metricName, threshold] of [
      ['ReadThrottles', 'ReadThrottleEvents', 10],
      ['WriteThrottles', 'WriteThrottleEvents', 10],
    ] as const) {
      new OperatorAlarm(this, id, {
        topic: props.topic,
        alarmName: `${props.prefix}-catalog-${metricName}`,
        metric: metric(metricName),
        threshold,
        periods: 3,
        description: `The catalog table throttled for 15 minutes. If this fails, every step waits and retries; nothing is lost while queues keep their messages.`,
        runbook: 'catalog',
      });
    }
  }
}
