import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { purge } from '../../functions/purge/function.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** A purge found another object than was judged: it ends when a person has looked, and until then is tried, and told, once a day. */
export class PurgeAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Stuck', {
      topic,
      alarmName: `${prefix}-purge-stuck`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'PurgeStuck',
        dimensionsMap: { service: purge.name },
        period: ALARM_PERIOD,
        statistic: 'Sum',
      }),
      threshold: 1,
      description:
        'The bucket has another object than the purge of a deleted version has judged. If this fails, that object stays and is paid for: `strata doctor` names the version, `strata explain NAME@VERSION` says what differs.',
      runbook: 'purge',
    });
  }
}
