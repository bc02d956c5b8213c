import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { FunctionDeclaration, ScheduleTime, Trigger } from '../../functions/shared/declaration.ts';

type ScheduleTrigger = Extract<Trigger, { kind: 'schedule' }>;

export interface FunctionScheduleProps {
  readonly prefix: string;
  readonly declaration: FunctionDeclaration;
  readonly trigger: ScheduleTrigger;
  readonly function: IFunction;
  readonly deadLetters: IQueue;
}

/**
 * An EventBridge schedule that calls a function with the moment that it named; what it cannot deliver goes to the dead-letter
 * queue of the function's schedules, as what the function fails does. Handlers are idempotent by schedule and moment, so that retries are free.
 */
export class FunctionSchedule extends Construct {
  constructor(scope: Construct, id: string, props: FunctionScheduleProps) {
    super(scope, id);
    const { deadLetters } = props;
    const name = `${props.prefix}-${props.trigger.schedule}`;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [props.function.functionArn] }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }));
    new CfnSchedule(this, 'Schedule', {
      name,
      description: props.declaration.purpose.slice(0, 512),
      scheduleExpression: scheduleExpression(props.trigger.at),
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: props.function.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({ schedule: props.trigger.schedule, scheduledTime: '<aws.scheduler.scheduled-time>' }),
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 5 },
      },
    });
  }
}

/** EventBridge Scheduler's text for a time in UTC, its default zone. */
export function scheduleExpression(at: ScheduleTime): string {
  if ('everyMinutes' in at) return `rate(${at.everyMinutes} minute${at.everyMinutes === 1 ? '' : 's'})`;
  if ('dailyUtc' in at) return `cron(${cronTime(at.dailyUtc)} * * ? *)`;
  if ('weeklyUtc' in at) return `cron(${cronTime(at.weeklyUtc.at)} ? * ${at.weeklyUtc.day} *)`;
  return `cron(${cronTime(at.monthlyUtc.at)} ${at.monthlyUtc.day} * ? *)`;
}

function cronTime(at: `${number}:${number}`): string {
  const [hour, minute] = at.split(':');
  return `${Number(minute)} ${Number(hour)}`;
}
