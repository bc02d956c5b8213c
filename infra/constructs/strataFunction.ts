import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  type FunctionOptions,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type FunctionDeclaration, scheduleDeadLetters } from '../../functions/shared/declaration.ts';
import type { FunctionEnvironment } from '../../functions/shared/environment.ts';
import type { StrataSettings } from '../settings.ts';
import { DeadLetterQueue } from './deadLetterQueue.ts';
import { ALARM_PERIOD, OperatorAlarm } from './operatorAlarm.ts';

export interface StrataFunctionProps {
  readonly settings: StrataSettings;
  readonly declaration: FunctionDeclaration;
  readonly code: Code;
  readonly environment: FunctionEnvironment;
  readonly topic: ITopic;
}

/** One declared function: its code, its own role that may only write its own log, log retention, alarms on errors and throttles. */
export class StrataFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  /** Where firings of its schedules end that it failed, or that did not reach it; absent without a schedule. */
  readonly scheduleDeadLetters: DeadLetterQueue | undefined;

  constructor(scope: Construct, id: string, props: StrataFunctionProps) {
    super(scope, id);
    const { declaration, settings } = props;
    const functionName = `${settings.prefix}-${declaration.name}`;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    this.scheduleDeadLetters = this.#createScheduleDeadLetters(props);
    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      description: declaration.purpose.slice(0, 256),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      timeout: Duration.seconds(declaration.timeoutSeconds),
      memorySize: declaration.memoryMb,
      environment: { ...props.environment },
      ...asynchronous(this.scheduleDeadLetters),
    });
    this.#addAlarms(functionName, props);
  }

  #createScheduleDeadLetters({ declaration, settings, topic }: StrataFunctionProps): DeadLetterQueue | undefined {
    if (!declaration.triggers.some(({ kind }) => kind === 'schedule')) return undefined;
    return new DeadLetterQueue(this, 'ScheduleDeadLetters', {
      queueName: `${settings.prefix}-${scheduleDeadLetters(declaration.name)}`,
      topic,
      ifThisFails: declaration.ifThisFails,
      runbook: declaration.name,
    });
  }

  #addAlarms(functionName: string, props: StrataFunctionProps): void {
    const { name, ifThisFails } = props.declaration;
    const metric = { period: ALARM_PERIOD, statistic: 'Sum' };
    new OperatorAlarm(this, 'Errors', {
      topic: props.topic,
      alarmName: `${functionName}-errors`,
      metric: this.function.metricErrors(metric),
      threshold: 1,
      periods: 2,
      description: `${functionName} failed in two periods in a row. If this fails, ${ifThisFails}`,
      runbook: name,
    });
    new OperatorAlarm(this, 'Throttles', {
      topic: props.topic,
      alarmName: `${functionName}-throttles`,
      metric: this.function.metricThrottles(metric),
      threshold: 1,
      periods: 3,
      description: `${functionName} was refused capacity for 15 minutes. If this fails, ${ifThisFails}`,
      runbook: name,
    });
  }
}

/** A scheduler's call is asynchronous: it counts as delivered when Lambda has taken it, so a failed one is Lambda's to keep. */
function asynchronous(letters: DeadLetterQueue | undefined): FunctionOptions {
  return letters === undefined
    ? {}
    : { deadLetterQueue: letters.queue, retryAttempts: 2, maxEventAge: Duration.hours(1) };
}
