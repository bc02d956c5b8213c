import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { sweep } from '../../functions/sweep/function.ts';
import { sweepInventory } from '../../functions/sweep-inventory/function.ts';
import { OperatorAlarm } from '../constructs/operatorAlarm.ts';

/** Sweeps are daily. */
const DAY = Duration.days(1);

/** What should go home from a class that charges for reads, and does not: it is held, or too much goes home at once. */
export class WayHomeAlarms extends Construct {
  constructor(scope: Construct, id: string, { prefix, topic }: { readonly prefix: string; readonly topic: ITopic }) {
    super(scope, id);
    const decided = (reason: string, service: string): Metric =>
      new Metric({
        namespace: 'Strata',
        metricName: 'TierDecided',
        dimensionsMap: { service, reason, mode: 'on' },
        period: DAY,
        statistic: 'Sum',
      });
    // A sweep goes over the catalog or over the inventory.
    const sweeps = [
      { alarm: 'Held', name: 'held-at-a-loss', service: sweep.name },
      { alarm: 'HeldInventory', name: 'held-at-a-loss-inventory', service: sweepInventory.name },
    ];
    for (const { alarm, name, service } of sweeps) {
      new OperatorAlarm(this, alarm, {
        topic,
        alarmName: `${prefix}-${name}`,
        metric: decided('held-at-a-loss', service),
        threshold: 1,
        // A fill is over in minutes; a pin or a legal hold that is meant to last is worth a look on its second day.
        periods: 2,
        description:
          'Objects are held (a pin, a fill, a legal hold) in a storage class whose reads cost more than it saves. If this fails, every read of them is paid for until they are released: `strata plan` counts them as held-at-a-loss.',
        runbook: 'ways-home',
      });
    }
    new OperatorAlarm(this, 'Spent', {
      topic,
      alarmName: `${prefix}-ways-home-spent`,
      metric: decided('ways-home-spent', sweep.name),
      threshold: 1,
      description:
        'More objects have to leave classes that charge for reads than a sweep may bring home, ten times its budget. If this fails, they go with the next sweeps and their reads are paid for meanwhile: a host may report reads that never were, or the budget is too small.',
      runbook: 'ways-home',
    });
  }
}
