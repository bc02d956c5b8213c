import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, MathExpression, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { hostDeadLetterName } from '../names.ts';
import { heartbeats } from '../../functions/heartbeats/function.ts';
import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';

export interface OperationsDashboardProps {
  readonly prefix: string;
  readonly declarations: readonly FunctionDeclaration[];
}

/** One page: does work arrive, does it get done, what failed, what waits. Metrics are named, so that the stack needs no other. */
export class OperationsDashboard extends Construct {
  constructor(scope: Construct, id: string, { prefix, declarations }: OperationsDashboardProps) {
    super(scope, id);
    const functions = declarations.map((declaration) => declaration.name);
    const queues = declarations.flatMap((declaration) =>
      declaration.triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [trigger.queue] : [])),
    );
    const perFunction = (metricName: string, statistic: string) =>
      functions.map((name) => lambdaMetric(`${prefix}-${name}`, metricName, statistic, name));
    const perQueue = (suffix: string, metricName: string, statistic: string) =>
      queues.map((name) => queueMetric(`${prefix}-${name}${suffix}`, metricName, statistic, name));
    const dashboard = new Dashboard(this, 'Dashboard', { dashboardName: prefix });
    dashboard.addWidgets(
      new TextWidget({ width: 24, height: 2, markdown: 'Strata. Every alarm names its runbook in `docs/runbooks/`.' }),
    );
    dashboard.addWidgets(
      graph('Calls', perFunction('Invocations', 'Sum')),
      graph('Errors', perFunction('Errors', 'Sum')),
      graph('Duration p95 (ms)', perFunction('Duration', 'p95')),
    );
    dashboard.addWidgets(
      graph('Waiting messages', perQueue('', 'ApproximateNumberOfMessagesVisible', 'Maximum')),
      graph('Oldest message (s)', perQueue('', 'ApproximateAgeOfOldestMessage', 'Maximum')),
      graph('Dead letters', [
        ...perQueue('-dlq', 'ApproximateNumberOfMessagesVisible', 'Maximum'),
        queueMetric(hostDeadLetterName(prefix), 'ApproximateNumberOfMessagesVisible', 'Maximum', 'hosts'),
      ]),
    );
    dashboard.addWidgets(
      graph(
        'Asks of processes',
        ['hit', 'miss', 'failure'].map((outcome) => hostMetric('HostAsks', 'Sum', { outcome })),
      ),
      graph(
        'Loads of models, p95 of a host and minute (ms)',
        ['nvme', 'ssd', 'origin'].map((source) => hostMetric('HostLoadP95', 'p95', { source })),
      ),
      graph('Bytes served and fetched', [
        ...['nvme', 'ssd'].map((tier) => hostMetric('HostServedBytes', 'Sum', { tier })),
        hostMetric('HostFetchedBytes', 'Sum'),
      ]),
    );
    dashboard.addWidgets(
      graph('Busiest hosts (%)', [
        hostMetric('HostCpuBusy', 'p95'),
        hostMetric('HostMemoryTaken', 'p95'),
        hostMetric('HostGpuBusy', 'p95'),
        ...['nvme', 'ssd'].map((tier) => hostMetric('HostDiskBusy', 'p95', { tier })),
      ]),
      graph('Minutes of hosts with a bottleneck', [
        new MathExpression({
          expression: `SEARCH('{Strata,kind,service} MetricName="HostBottlenecks"', 'Sum', 300)`,
          label: '',
          usingMetrics: {},
        }),
      ]),
      graph(
        'Bytes evicted',
        ['nvme', 'ssd'].map((tier) => hostMetric('HostEvictedBytes', 'Sum', { tier })),
      ),
    );
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 7 });
}

/** Of all hosts together. */
function hostMetric(metricName: string, statistic: string, dimensions: Readonly<Record<string, string>> = {}): Metric {
  return new Metric({
    namespace: 'Strata',
    metricName,
    dimensionsMap: { service: heartbeats.name, ...dimensions },
    statistic,
    label: [metricName, ...Object.values(dimensions)].join(' '),
    period: Duration.minutes(5),
  });
}

function lambdaMetric(functionName: string, metricName: string, statistic: string, label: string): Metric {
  const dimensionsMap = { FunctionName: functionName };
  return new Metric({
    namespace: 'AWS/Lambda',
    metricName,
    dimensionsMap,
    statistic,
    label,
    period: Duration.minutes(5),
  });
}

function queueMetric(queueName: string, metricName: string, statistic: string, label: string): Metric {
  const dimensionsMap = { QueueName: queueName };
  return new Metric({ namespace: 'AWS/SQS', metricName, dimensionsMap, statistic, label, period: Duration.minutes(5) });
}
