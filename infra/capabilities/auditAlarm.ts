import { Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { sealAudit } from '../../functions/seal-audit/function.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** Six runs of the sealer. */
const LATE_MS = 30 * 60_000;

/** Audit entries that the sealer came to had waited for long, or nothing tells how long they do. */
export class AuditAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Late', {
      topic,
      alarmName: `${prefix}-audit-late`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'AuditLag',
        dimensionsMap: { service: sealAudit.name },
        period: ALARM_PERIOD,
        statistic: 'Maximum',
      }),
      threshold: LATE_MS,
      periods: 3,
      // A sealer that does not run tells nothing.
      missing: TreatMissingData.BREACHING,
      description: `Audit entries have waited for half an hour to be locked away, or the sealer does not run. If this fails, ${sealAudit.ifThisFails}`,
      runbook: 'audit',
    });
  }
}
