import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deadLetterQueues } from '../../functions/deadLetters.ts';
import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionDeclaration, Trigger } from '../../functions/shared/declaration.ts';
import { PATTERN_REASONS } from '../../infra/acknowledge.ts';
import {
  declareStacks,
  identityStatements,
  type Resource,
  synthesize,
  synthesizedByDefault,
  type TemplateJson,
  textOf,
} from './templates.ts';

const synthesized = synthesizedByDefault();
const { of } = synthesized;
const declarations: readonly FunctionDeclaration[] = FUNCTIONS;
const triggers = (kind: Trigger['kind']) =>
  declarations.flatMap((declaration) => declaration.triggers.filter((trigger) => trigger.kind === kind));

const isDeadLetterQueue = (queue: Resource) => String(queue.properties['QueueName']).endsWith('-dlq');
const names = (resources: readonly Resource[], property: string) =>
  resources.map((resource) => String(resource.properties[property])).toSorted();

describe('every declared trigger', () => {
  it('becomes exactly one event source, schedule, rule or route', () => {
    const sources = of('AWS::Lambda::EventSourceMapping');
    expect(sources).toHaveLength(triggers('queue').length + triggers('outbox-stream').length);
    expect(of('AWS::Scheduler::Schedule')).toHaveLength(triggers('schedule').length);
    const routed = triggers('queue').filter((trigger) => trigger.kind === 'queue' && trigger.objectEvents);
    expect(of('AWS::Events::Rule')).toHaveLength(routed.length);
    const routes = triggers('http').flatMap((trigger) => (trigger.kind === 'http' ? trigger.routes : []));
    expect(of('AWS::ApiGatewayV2::Route')).toHaveLength(routes.length);
    expect(of('AWS::StepFunctions::StateMachine')).toHaveLength(triggers('inventory-map').length);
    expect(of('AWS::Lambda::Function')).toHaveLength(declarations.length);
  });

  it('reports failed messages of a batch one by one', () => {
    const queues = of('AWS::Lambda::EventSourceMapping').filter(({ properties }) => !properties['StartingPosition']);
    for (const { properties } of queues)
      expect(properties['FunctionResponseTypes']).toEqual(['ReportBatchItemFailures']);
  });

  it('hides a message for at least six time limits of its function', () => {
    for (const declaration of declarations) {
      for (const trigger of declaration.triggers) {
        if (trigger.kind !== 'queue') continue;
        const queue = of('AWS::SQS::Queue').find(
          ({ properties }) => properties['QueueName'] === `strata-${trigger.queue}`,
        );
        expect(queue?.properties['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * declaration.timeoutSeconds);
        expect(queue?.properties['RedrivePolicy'].maxReceiveCount).toBe(trigger.maxReceiveCount);
      }
    }
  });
});

describe('whatever can fail to be delivered', () => {
  const deadLetterIds = of('AWS::SQS::Queue')
    .filter(isDeadLetterQueue)
    .map(({ logicalId }) => logicalId);
  const leadsToDeadLetters = (target: unknown) => deadLetterIds.some((id) => JSON.stringify(target ?? '').includes(id));

  it('ends in a dead-letter queue: of queues, event targets, schedules and streams', () => {
    const working = of('AWS::SQS::Queue').filter((queue) => !isDeadLetterQueue(queue));
    expect(working).toHaveLength(triggers('queue').length);
    for (const { properties } of working) expect(leadsToDeadLetters(properties['RedrivePolicy'])).toBe(true);
    for (const { properties } of of('AWS::Events::Rule')) {
      for (const target of properties['Targets']) expect(leadsToDeadLetters(target.DeadLetterConfig)).toBe(true);
    }
    for (const { properties } of of('AWS::Scheduler::Schedule')) {
      expect(leadsToDeadLetters(properties['Target'].DeadLetterConfig)).toBe(true);
    }
    // What reached the function and failed there: its own calls are asynchronous.
    const scheduled = declarations.filter((one) => one.triggers.some(({ kind }) => kind === 'schedule'));
    const keeping = of('AWS::Lambda::Function').filter(({ properties }) => properties['DeadLetterConfig']);
    expect(names(keeping, 'FunctionName')).toEqual(scheduled.map(({ name }) => `strata-${name}`).toSorted());
    for (const { properties } of keeping) expect(leadsToDeadLetters(properties['DeadLetterConfig'])).toBe(true);
    expect(of('AWS::Lambda::EventInvokeConfig')).toHaveLength(scheduled.length);
    const streams = of('AWS::Lambda::EventSourceMapping').filter(({ properties }) => properties['StartingPosition']);
    expect(streams).toHaveLength(triggers('outbox-stream').length);
    for (const { properties } of streams) {
      expect(leadsToDeadLetters(properties['DestinationConfig'])).toBe(true);
      expect(properties['BisectBatchOnFunctionError']).toBe(true);
    }
  });

  it('is what operators list and redrive: every such queue, and no other', () => {
    const declared = deadLetterQueues().map(({ queue }) => `strata-${queue}`);
    expect(names(of('AWS::SQS::Queue').filter(isDeadLetterQueue), 'QueueName')).toEqual(declared.toSorted());
  });

  it('raises an alarm from the first dead letter on, kept for fourteen days', () => {
    const alarms = new Set(names(of('AWS::CloudWatch::Alarm'), 'AlarmName'));
    for (const { properties } of of('AWS::SQS::Queue').filter(isDeadLetterQueue)) {
      expect(alarms).toContain(`${properties['QueueName']}-not-empty`);
      expect(properties['MessageRetentionPeriod']).toBe(14 * 86_400);
    }
  });

  it('lets the rule into the queue and the dead-letter queue that it leads to, and nobody else', () => {
    const admitted = of('AWS::SQS::QueuePolicy').flatMap(({ properties }) =>
      properties['PolicyDocument'].Statement.filter((statement: TemplateJson) => statement.Effect === 'Allow'),
    );
    expect(admitted).toHaveLength(2 * of('AWS::Events::Rule').length);
    for (const statement of admitted) {
      expect(statement.Principal).toEqual({ Service: 'events.amazonaws.com' });
      expect(textOf(statement.Condition.ArnEquals['aws:SourceArn'])).toMatch(/:rule\/strata-[a-z]+-objects$/);
    }
  });
});

describe('every alarm', () => {
  it('is silent where what it counts or measures is nothing', () => {
    for (const { properties } of of('AWS::CloudWatch::Alarm')) {
      expect(properties['ComparisonOperator']).toBe('GreaterThanOrEqualToThreshold');
      expect(properties['Threshold'], properties['AlarmName']).toBeGreaterThan(0);
    }
  });

  it('says what users notice, names its runbook and reaches the operators', () => {
    const alarms = of('AWS::CloudWatch::Alarm');
    for (const { properties } of alarms) {
      expect(properties['AlarmDescription']).toMatch(/If this fails, .+ Runbook: docs\/runbooks\/[a-z-]+\.md$/);
      expect(properties['AlarmActions']).toHaveLength(1);
    }
  });

  it('exists for errors and throttles of every function and for lateness of every queue', () => {
    const alarms = new Set(names(of('AWS::CloudWatch::Alarm'), 'AlarmName'));
    for (const { name } of declarations) {
      expect(alarms).toContain(`strata-${name}-errors`);
      expect(alarms).toContain(`strata-${name}-throttles`);
    }
    for (const trigger of triggers('queue')) {
      if (trigger.kind === 'queue') expect(alarms).toContain(`strata-${trigger.queue}-late`);
    }
  });
});

describe('identity policies', () => {
  const statements = identityStatements(synthesized);

  it('name every action in full', () => {
    expect(statements.length).toBeGreaterThan(declarations.length);
    for (const { actions } of statements)
      for (const action of actions) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z0-9]+$/);
  });

  it('name every resource, patterns only as known prefixes', () => {
    const endings = PATTERN_REASONS.map(([ending]) => ending);
    for (const { owner, resources } of statements) {
      for (const resource of resources) {
        const known = !resource.includes('*') || endings.some((ending) => resource.endsWith(ending));
        expect(known, `${owner}: ${resource}`).toBe(true);
        expect(resource.indexOf('*')).toBe(resource.includes('*') ? resource.length - 1 : -1);
      }
    }
  });
});

describe('stored data', () => {
  it('blocks public access and refuses plain HTTP in every bucket, queue and topic', () => {
    for (const { properties } of of('AWS::S3::Bucket')) {
      expect(properties['PublicAccessBlockConfiguration']).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(properties['BucketEncryption']).toBeDefined();
    }
    const policies = [...of('AWS::S3::BucketPolicy'), ...of('AWS::SQS::QueuePolicy'), ...of('AWS::SNS::TopicPolicy')];
    const guarded = of('AWS::S3::Bucket').length + of('AWS::SQS::Queue').length + of('AWS::SNS::Topic').length;
    expect(policies).toHaveLength(guarded);
    for (const { properties } of policies) {
      const refusals = properties['PolicyDocument'].Statement.filter(
        (statement: TemplateJson) =>
          statement.Effect === 'Deny' && statement.Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      expect(refusals).toHaveLength(1);
    }
  });

  it('keeps versions of models, tells EventBridge of them, logs access and forgets what was left behind', () => {
    const [models] = of('AWS::S3::Bucket').filter(({ properties }) => properties['NotificationConfiguration']);
    expect(models?.properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      LoggingConfiguration: { LogFilePrefix: 'models/' },
      LifecycleConfiguration: {
        Rules: [
          { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' },
          { NoncurrentVersionExpiration: { NoncurrentDays: 30 }, Prefix: 'uploads/', Status: 'Enabled' },
          { ExpiredObjectDeleteMarker: true, Status: 'Enabled' },
        ],
      },
    });
  });

  it('leaves nothing of a first deployment that failed but the protected table and its key, and forgets unfinished lists', () => {
    const kept = synthesized.resources.filter(({ deletionPolicy }) => deletionPolicy?.startsWith('Retain') === true);
    const types = (policy: string) =>
      names(
        kept.filter(({ deletionPolicy }) => deletionPolicy === policy).map((one) => ({ ...one, properties: one })),
        'type',
      );
    expect(types('Retain')).toEqual(['AWS::DynamoDB::Table', 'AWS::KMS::Key']);
    expect(types('RetainExceptOnCreate')).toEqual([
      ...of('AWS::S3::Bucket').map(({ type }) => type),
      'AWS::SecretsManager::Secret',
    ]);
    for (const { properties } of of('AWS::S3::Bucket').filter((one) => one.logicalId.startsWith('Inventory'))) {
      const abort = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } };
      expect(properties['LifecycleConfiguration'].Rules).toMatchObject([abort]);
    }
  });

  it('takes alarms of its own account only', () => {
    const admitted = of('AWS::SNS::TopicPolicy').flatMap(({ properties }) =>
      properties['PolicyDocument'].Statement.filter((statement: TemplateJson) => statement.Effect === 'Allow'),
    );
    expect(admitted).toMatchObject([
      {
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
    const [key] = of('AWS::KMS::Key');
    const granted = key?.properties['KeyPolicy'].Statement.find(
      ({ Principal }: TemplateJson) => Principal.Service === 'cloudwatch.amazonaws.com',
    );
    expect(granted).toMatchObject({ Action: ['kms:Decrypt', 'kms:GenerateDataKey*'], Effect: 'Allow' });
  });

  it('locks the seals of the audit trail in compliance mode, keeps their bucket, and lets nobody lay a delete marker over them', () => {
    for (const teardown of ['retain', 'destroy']) {
      const { of: ofType } = synthesize({ teardown, auditRetentionDays: '400' });
      const [audit] = ofType('AWS::S3::Bucket').filter(({ properties }) => properties['ObjectLockEnabled']);
      expect(audit).toMatchObject({ deletionPolicy: 'RetainExceptOnCreate' });
      expect(audit?.properties).toMatchObject({
        ObjectLockEnabled: true,
        ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 400 } } },
        VersioningConfiguration: { Status: 'Enabled' },
        LoggingConfiguration: { LogFilePrefix: 'audit/' },
      });
    }
    const statements = of('AWS::S3::BucketPolicy').flatMap(
      ({ properties }): readonly TemplateJson[] => properties['PolicyDocument'].Statement,
    );
    const refused = statements.filter(({ Action }) => Array.isArray(Action) && Action.includes('s3:DeleteObject'));
    expect(refused).toMatchObject([{ Effect: 'Deny', Principal: '*' }]);
    const shortened = statements.filter(
      ({ Action }) => Array.isArray(Action) && Action.includes('s3:PutObjectRetention'),
    );
    expect(shortened.map(({ Effect, Principal, Condition }) => ({ Effect, Principal, Condition }))).toEqual([
      {
        Effect: 'Deny',
        Principal: '*',
        Condition: { NumericLessThan: { 's3:object-lock-remaining-retention-days': 2556 } },
      },
      { Effect: 'Deny', Principal: '*', Condition: { StringEquals: { 's3:object-lock-mode': 'GOVERNANCE' } } },
    ]);
    const sealers = identityStatements(synthesized).filter(({ resources }) =>
      resources.some((resource) => resource.includes('-audit-') && resource.endsWith('/seals/*')),
    );
    expect(new Set(sealers.map(({ owner }) => owner.slice(0, 9)))).toEqual(new Set(['SealAudit']));
  });

  it('raises an alarm when audit entries wait for their seal, and when nothing tells', () => {
    const [late] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-audit-late',
    );
    expect(late?.properties).toMatchObject({
      MetricName: 'AuditLag',
      Dimensions: [{ Name: 'service', Value: 'seal-audit' }],
      Threshold: 1_800_000,
      TreatMissingData: 'breaching',
    });
  });

  it('raises an alarm when a purge found another object than was judged', () => {
    const [stuck] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-purge-stuck',
    );
    expect(stuck?.properties).toMatchObject({
      Namespace: 'Strata',
      MetricName: 'PurgeStuck',
      Dimensions: [{ Name: 'service', Value: 'purge' }],
      Statistic: 'Sum',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });

  it('raises an alarm when a policy of storage classes was refused, of which the metric is 1 then and 0 else', () => {
    const [refused] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-tier-policy-refused',
    );
    expect(refused?.properties).toMatchObject({
      Namespace: 'Strata',
      MetricName: 'TierPolicyRefused',
      Dimensions: [{ Name: 'service', Value: 'start-sweep' }],
      Statistic: 'Maximum',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });

  it('raises an alarm when re-scans follow each other for three hours', () => {
    const [endless] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-rescans-endless',
    );
    expect(endless?.properties).toMatchObject({
      Namespace: 'Strata',
      MetricName: 'RescansStarted',
      Dimensions: [{ Name: 'service', Value: 'start-rescan' }],
      Statistic: 'Sum',
      Period: 3600,
      Threshold: 2,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods: 3,
      TreatMissingData: 'notBreaching',
    });
  });

  it('raises an alarm for each host that falls silent, but not for those that were to leave', () => {
    const [silent] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-hosts-silent',
    );
    expect(silent?.properties).toMatchObject({
      Namespace: 'Strata',
      MetricName: 'HostReaped',
      // As `reap` counts it: test/handler/heartbeats.test.ts.
      Dimensions: [
        { Name: 'reason', Value: 'silent' },
        { Name: 'service', Value: 'reap' },
      ],
      Statistic: 'Sum',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });

  it('raises an alarm when ways home cost more than a sweep may spend on them, and when what is held loses for two days', () => {
    const named = (name: string) =>
      of('AWS::CloudWatch::Alarm').find(({ properties }) => properties['AlarmName'] === `strata-${name}`)?.properties;
    const dimensions = (reason: string, service: string) => [
      { Name: 'mode', Value: 'on' },
      { Name: 'reason', Value: reason },
      { Name: 'service', Value: service },
    ];
    const Dimensions = dimensions('ways-home-spent', 'sweep');
    expect(named('ways-home-spent')).toMatchObject({
      MetricName: 'TierDecided',
      Dimensions,
      Period: 86_400,
      Threshold: 1,
    });
    for (const [name, service] of [
      ['held-at-a-loss', 'sweep'],
      ['held-at-a-loss-inventory', 'sweep-inventory'],
    ] as const) {
      const held = { Dimensions: dimensions('held-at-a-loss', service), Threshold: 1, EvaluationPeriods: 2 };
      expect(named(name)).toMatchObject(held);
    }
  });

  it('computes no metric for an alarm, which the local AWS refuses', () => {
    for (const { properties } of of('AWS::CloudWatch::Alarm')) expect(properties).toHaveProperty('MetricName');
  });

  it('raises an alarm when no list has confirmed the prices for 7 days', () => {
    const [old] = of('AWS::CloudWatch::Alarm').filter(
      ({ properties }) => properties['AlarmName'] === 'strata-prices-old',
    );
    expect(old?.properties).toMatchObject({
      MetricName: 'PriceAge',
      Dimensions: [{ Name: 'service', Value: 'refresh-prices' }],
      Period: 86_400,
      Threshold: 7 * 86_400_000,
      TreatMissingData: 'ignore',
    });
  });

  it('is encrypted, recoverable and outlives its stack unless the teardown says otherwise', () => {
    const [table] = of('AWS::DynamoDB::Table');
    expect(table?.properties).toMatchObject({
      SSESpecification: { SSEEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      DeletionProtectionEnabled: true,
    });
    const destroyed = synthesize({ teardown: 'destroy' }).of('AWS::DynamoDB::Table')[0];
    expect(destroyed?.properties['DeletionProtectionEnabled']).not.toBe(true);
  });

  it('expires the logs of every function', () => {
    expect(of('AWS::Logs::LogGroup').length).toBeGreaterThanOrEqual(declarations.length);
    for (const { properties } of of('AWS::Logs::LogGroup')) expect(properties['RetentionInDays']).toBe(30);
  });
});

describe('cdk-nag', () => {
  /** Raise it only with a finding that does not apply and a reason that says why. */
  const MOST_ACKNOWLEDGEMENTS = 61;

  const ACKNOWLEDGED_RULES = [
    'AwsSolutions-APIG4',
    'AwsSolutions-IAM5',
    'AwsSolutions-S1',
    'AwsSolutions-SF1',
    'AwsSolutions-SF2',
    'AwsSolutions-SMG4',
    'AwsSolutions-SQS3',
  ];

  it('finds nothing but what is acknowledged, each with a reason, and no more of them than the cap', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'strata-nag-'));
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    const { app } = declareStacks(outdir);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
    const acknowledged = app.node.findAll().flatMap(acknowledgementsOf);
    expect(acknowledged.length).toBeLessThanOrEqual(MOST_ACKNOWLEDGEMENTS);
    for (const { reason } of acknowledged) expect(reason.length).toBeGreaterThan(30);
    const rules = new Set(acknowledged.map(({ id }) => id.replace(/^Annotation::|\[.*$/g, '')));
    expect([...rules].toSorted()).toEqual(ACKNOWLEDGED_RULES);
  });
});

function acknowledgementsOf(construct: IConstruct): readonly { readonly id: string; readonly reason: string }[] {
  return construct.node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data).map(([id, reason]) => ({ id, reason: String(reason) })));
}
