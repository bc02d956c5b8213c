import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { startRescan } from '../../functions/start-rescan/function.ts';
import { OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** One re-scan after another: functions of two releases, or of two policies of verdicts, run side by side. */
export class RescanAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Endless', {
      topic,
      alarmName: `${prefix}-rescans-endless`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'RescansStarted',
        dimensionsMap: { service: startRescan.name },
        period: Duration.hours(1),
        statistic: 'Sum',
      }),
      // While `rescan` judges by other rules, one starts every 20 minutes: its pages come after 15, and reading them has the next run start
      // another. A deployment leads to no more than three in its first half hour, as the calls of the release before end; so does its rollback.
      threshold: 2,
      periods: 3,
      description:
        'Re-scans have started one after another for three hours, since functions judge by different rules or policies. If this fails, the catalog is read anew with each, and what one function judged is not served until another has judged it again.',
      runbook: startRescan.name,
    });
  }
}
