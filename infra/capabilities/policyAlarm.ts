import { Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { startSweep } from '../../functions/start-sweep/function.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** The configured policy of storage classes was refused: it would make objects in use dearer or slower to read. */
export class PolicyAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Refused', {
      topic,
      alarmName: `${prefix}-tier-policy-refused`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'TierPolicyRefused',
        dimensionsMap: { service: startSweep.name },
        period: ALARM_PERIOD,
        statistic: 'Maximum',
      }),
      // Told once a day, by the start of the sweep: 1 where it was refused, else 0.
      threshold: 1,
      missing: TreatMissingData.NOT_BREACHING,
      description:
        'The configured policy of storage classes would make objects in use dearer or slower to read. If this fails, sweeps go on by the policy before: `strata policy show` tells how many, `strata policy accept` allows it.',
      runbook: 'tier-policy',
    });
  }
}
