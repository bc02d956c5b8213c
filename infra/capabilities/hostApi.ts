import { RemovalPolicy } from 'aws-cdk-lib';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import type { Trigger } from '../../functions/shared/declaration.ts';
import { acknowledge } from '../acknowledge.ts';
import { ALARM_PERIOD, OperatorAlarm } from '../constructs/operatorAlarm.ts';
import type { StrataSettings } from '../settings.ts';

type HttpTrigger = Extract<Trigger, { kind: 'http' }>;

export interface HostApiProps {
  readonly settings: StrataSettings;
  readonly topic: ITopic;
  readonly targets: readonly {
    readonly function: IFunction;
    readonly trigger: HttpTrigger;
    readonly ifThisFails: string;
    readonly runbook: string;
  }[];
}

/** Above any honest fleet's need: 10,000 hosts that refresh hourly make 3 calls a second. */
const RATE_PER_SECOND = 200;
const BURST = 400;

/** The HTTP API that hosts register at. API Gateway speaks TLS 1.2 and newer only. */
export class HostApi extends Construct {
  readonly apiId: string;

  constructor(scope: Construct, id: string, props: HostApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', { apiName: `${props.settings.prefix}-hosts`, createDefaultStage: false });
    this.apiId = api.apiId;
    const log = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${props.settings.prefix}-hosts`,
      retention: props.settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: RATE_PER_SECOND, burstLimit: BURST },
      accessLogSettings: { destination: new LogGroupLogDestination(log) },
    });
    for (const target of props.targets) this.#addRoutes(api, target);
    const [first] = props.targets;
    if (first !== undefined) {
      new OperatorAlarm(this, 'ServerErrors', {
        topic: props.topic,
        alarmName: `${props.settings.prefix}-hosts-api-5xx`,
        metric: api.metricServerError({ period: ALARM_PERIOD, statistic: 'Sum' }),
        threshold: 5,
        description: `The host API answered with server errors. If this fails, ${first.ifThisFails}`,
        runbook: first.runbook,
      });
    }
    publish(this, 'HostApiUrl', stage.url, 'Where hosts register; agents take it as --plane');
  }

  #addRoutes(api: HttpApi, target: HostApiProps['targets'][number]): void {
    const integration = new HttpLambdaIntegration('Function', target.function);
    for (const route of target.trigger.routes) {
      const added = api.addRoutes({
        path: route.path,
        methods: [HttpMethod[route.method]],
        integration,
        authorizer: route.auth === 'iam' ? new HttpIamAuthorizer() : new HttpNoneAuthorizer(),
      });
      if (route.auth === 'iam') continue;
      for (const resource of added) {
        acknowledge(
          resource,
          'AwsSolutions-APIG4',
          'Hosts outside AWS have no IAM identity: the function checks a one-time token or the host’s own signature.',
        );
      }
    }
  }
}
