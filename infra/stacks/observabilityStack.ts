import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';
import { AuditAlarm } from '../capabilities/auditAlarm.ts';
import { HostAlarm } from '../capabilities/hostAlarm.ts';
import { PolicyAlarm } from '../capabilities/policyAlarm.ts';
import { CatalogAlarms } from '../capabilities/catalogAlarms.ts';
import { PriceAlarm } from '../capabilities/priceAlarm.ts';
import { PurgeAlarm } from '../capabilities/purgeAlarm.ts';
import { OperationsDashboard } from '../capabilities/operationsDashboard.ts';
import { OperatorTopic } from '../capabilities/operatorTopic.ts';
import { RescanAlarm } from '../capabilities/rescanAlarm.ts';
import { WayHomeAlarms } from '../capabilities/wayHomeAlarms.ts';
import type { StrataSettings } from '../settings.ts';
import type { DataStack } from './dataStack.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly settings: StrataSettings;
  readonly data: DataStack;
  readonly declarations: readonly FunctionDeclaration[];
}

/** Where alarms go, what watches the data, and the dashboard. The alarms of functions and queues stand beside those. */
export class ObservabilityStack extends Stack {
  readonly topic: OperatorTopic;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { data, declarations, settings } = props;
    this.topic = new OperatorTopic(this, 'Operators', { settings, key: data.key.key });
    new CatalogAlarms(this, 'CatalogAlarms', {
      prefix: settings.prefix,
      table: data.table.table,
      topic: this.topic.topic,
    });
    new AuditAlarm(this, 'AuditAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new PriceAlarm(this, 'PriceAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new PolicyAlarm(this, 'PolicyAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new WayHomeAlarms(this, 'WayHomeAlarms', { prefix: settings.prefix, topic: this.topic.topic });
    new PurgeAlarm(this, 'PurgeAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new RescanAlarm(this, 'RescanAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new HostAlarm(this, 'HostAlarm', { prefix: settings.prefix, topic: this.topic.topic });
    new OperationsDashboard(this, 'Dashboard', { prefix: settings.prefix, declarations });
  }
}
