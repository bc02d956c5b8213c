import type { FunctionDeclaration, ScheduleTime } from '../../functions/shared/declaration.ts';

import type { IdlePrices } from './prices.ts';

export interface CostLine {
  readonly what: string;
  readonly count: string;
  readonly usdPerMonth: number;
}

export interface Inventory {
  /** How many resources of a CloudFormation type the stacks have. */
  readonly countOf: (type: string) => number;
  readonly declarations: readonly FunctionDeclaration[];
}

/** The month of price lists. */
const MONTH_HOURS = 730;
/** Lambda keeps five long polls of 20 s open on every queue, also when nothing comes. */
const POLLS_PER_QUEUE = 5;
const POLL_SECONDS = 20;
/** Of a scheduled call that finds nothing to do: duration, log and what it reads of the catalog. */
const IDLE_CALL = { seconds: 0.2, logBytes: 1_500, readUnits: 8 };

/** What the stacks cost in a month in which nothing happens: no objects, no hosts, no uploads. */
export function idleCost({ countOf, declarations }: Inventory, prices: IdlePrices): readonly CostLine[] {
  const line = (what: string, count: number, unit: string, usdPerMonth: number): CostLine => ({
    what,
    count: `${Math.round(count).toLocaleString('en-US')} ${unit}`,
    usdPerMonth,
  });
  const million = 1_000_000;
  const fixed = (what: string, type: string, price: number) => line(what, countOf(type), '', countOf(type) * price);
  const queues = declarations.flatMap(({ triggers }) => triggers.filter(({ kind }) => kind === 'queue')).length;
  const polls = queues * POLLS_PER_QUEUE * ((MONTH_HOURS * 3600) / POLL_SECONDS);
  const scheduled = declarations.map(({ memoryMb, triggers }) => ({
    gb: memoryMb / 1024,
    calls: triggers.reduce((sum, trigger) => sum + (trigger.kind === 'schedule' ? callsPerMonth(trigger.at) : 0), 0),
  }));
  const calls = scheduled.reduce((sum, one) => sum + one.calls, 0);
  const gbSeconds = scheduled.reduce((sum, one) => sum + one.calls * one.gb * IDLE_CALL.seconds, 0);
  const reads = calls * IDLE_CALL.readUnits;
  const logGb = (calls * IDLE_CALL.logBytes) / 1e9;
  return [
    fixed('KMS key', 'AWS::KMS::Key', prices.kmsKeyMonth),
    fixed('Secrets Manager secret', 'AWS::SecretsManager::Secret', prices.secretMonth),
    fixed('CloudWatch alarms', 'AWS::CloudWatch::Alarm', prices.alarmMonth),
    fixed('CloudWatch dashboard', 'AWS::CloudWatch::Dashboard', prices.dashboardMonth),
    line('SQS, Lambda’s polling', polls, 'requests', (polls / million) * prices.sqsPerMillionRequests),
    line('Scheduler', calls, 'calls', (calls / million) * prices.schedulerPerMillionCalls),
    line('Lambda calls', calls, 'calls', (calls / million) * prices.lambdaPerMillionCalls),
    line('Lambda duration', gbSeconds, 'GB-s', gbSeconds * prices.lambdaArmPerGbSecond),
    line('DynamoDB reads', reads, 'read units', (reads / million) * prices.dynamoPerMillionReadUnits),
    line('CloudWatch Logs', logGb * 1000, 'MB', logGb * prices.logsPerGbIngested),
  ];
}

function callsPerMonth(at: ScheduleTime): number {
  if ('everyMinutes' in at) return (MONTH_HOURS * 60) / at.everyMinutes;
  if ('dailyUtc' in at) return MONTH_HOURS / 24;
  return 'weeklyUtc' in at ? MONTH_HOURS / 24 / 7 : 1;
}
