import { Duration } from 'aws-cdk-lib';
import { Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { refreshPrices } from '../../functions/refresh-prices/function.ts';
import { OperatorAlarm } from '../constructs/operatorAlarm.ts';

const STALE = Duration.days(7);

/** The prices in force have not been compared with the provider's lists for a week. */
export class PriceAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Old', {
      topic,
      alarmName: `${prefix}-prices-old`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'PriceAge',
        dimensionsMap: { service: refreshPrices.name },
        period: Duration.days(1),
        statistic: 'Maximum',
      }),
      threshold: STALE.toMilliseconds(),
      // Told once a day; that it is not told at all is an alarm of the function.
      missing: TreatMissingData.IGNORE,
      description: `The prices in force are older than 7 days: their lists cannot be read, or a change waits to be accepted. If this fails, ${refreshPrices.ifThisFails}`,
      runbook: 'prices',
    });
  }
}
