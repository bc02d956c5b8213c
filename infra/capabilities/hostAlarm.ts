import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { heartbeats } from '../../functions/heartbeats/function.ts';
import { reap } from '../../functions/reap/function.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** Some host, one or many: an alarm for each would be a metric for each. The log names them. */
export class HostAlarm extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    new OperatorAlarm(this, 'Failing', {
      topic,
      alarmName: `${prefix}-hosts-failing`,
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'HostsFailing',
        dimensionsMap: { service: heartbeats.name },
        period: ALARM_PERIOD,
        statistic: 'Sum',
      }),
      // A failing host tells so once a minute.
      threshold: 3,
      periods: 3,
      description:
        'At least one host has failed most of what was asked of it for 15 minutes. If this fails, inference processes there wait for models that do not come.',
      runbook: 'hosts',
    });
    new OperatorAlarm(this, 'Silent', {
      topic,
      alarmName: `${prefix}-hosts-silent`,
      // Each host once, as it falls silent: a count of those that are would hide the next behind one that stays so for a day.
      metric: new Metric({
        namespace: 'Strata',
        metricName: 'HostReaped',
        dimensionsMap: { service: reap.name, reason: 'silent' },
        period: ALARM_PERIOD,
        statistic: 'Sum',
      }),
      threshold: 1,
      description:
        'Hosts that nobody had drained have fallen silent; the alarm ends after five minutes, their silence does not: `strata hosts` names them. If this fails, nothing is fetched or evicted there, and after a day they are retired.',
      runbook: 'hosts',
    });
  }
}
