import { describe, expect, it } from 'vitest';
import { moveListed } from '../../functions/move-listed/function.ts';
import { sweepInventory } from '../../functions/sweep-inventory/function.ts';
import { sweepDefinition } from '../../infra/capabilities/sweepDefinition.ts';
import { identityStatements, synthesizedByDefault, textOf } from './templates.ts';

const synthesized = synthesizedByDefault();
const { of } = synthesized;
const [trigger] = sweepInventory.triggers;
const DEFINITION = JSON.parse(
  JSON.stringify(sweepDefinition({ modelBucket: 'models', inventoryBucket: 'lists', functionArn: 'arn:fn', trigger })),
);

describe('the state machine of the inventory sweep', () => {
  const [machine, ...others] = of('AWS::StepFunctions::StateMachine');
  const states = DEFINITION.States;

  it('is one, redrivable, and named so that the function that starts it knows it', () => {
    expect(others).toEqual([]);
    expect(machine?.properties['StateMachineType']).toBe('STANDARD');
    const name = machine?.properties['StateMachineName'];
    for (const { properties } of of('AWS::Lambda::Function')) {
      const arn = textOf(properties['Environment'].Variables.STRATA_SWEEP_STATE_MACHINE_ARN);
      expect(arn).toMatch(new RegExp(`:stateMachine:${name}$`));
    }
  });

  it('reads the newest complete inventory of three days as its items, in batches, many at once', () => {
    expect(states.FindInventory.Arguments).toMatchObject({ Bucket: 'lists', Prefix: 'inventory/models/blobs/' });
    const map = states.DecideBatches;
    expect(map).toMatchObject({
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'MANIFEST', ManifestType: 'S3_INVENTORY' },
      },
      ItemBatcher: { MaxItemsPerBatch: trigger.rowsPerBatch },
      MaxConcurrency: trigger.mostAtOnce,
      ToleratedFailurePercentage: trigger.toleratedFailures,
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' } },
    });
    // Without a writer, a million answers would not fit the state's 256 KiB.
    expect(map.ResultWriter.Resource).toBe('arn:aws:states:::s3:putObject');
    expect(Object.keys(map.ItemBatcher.BatchInput)).toEqual(['sweepId', 'scheduledAt', 'correlationId']);
  });

  it('begins to move by one call more, when every batch was analysed and too many have not failed', async () => {
    expect(states.DecideBatches.Next).toBe('BeginMoves');
    expect(states.DecideBatches).not.toHaveProperty('Catch');
    const { Arguments, End, Resource } = states.BeginMoves;
    expect([Resource, End, Arguments.FunctionName]).toEqual(['arn:aws:states:::lambda:invoke', true, 'arn:fn']);
    expect(Object.keys(Arguments.Payload.EndOf)).toEqual(['sweepId', 'scheduledAt', 'correlationId']);
    expect(Arguments.Payload.EndOf).toEqual(states.DecideBatches.ItemBatcher.BatchInput);
  });

  it('tries batches and listings again with growing, random pauses', () => {
    const { DecideBatch } = states.DecideBatches.ItemProcessor.States;
    const retries = [states.FindInventory, states.BeginMoves, DecideBatch].map(({ Retry }) => Retry);
    for (const [retry] of retries)
      expect(retry).toMatchObject({ BackoffRate: 2, MaxAttempts: 5, JitterStrategy: 'FULL' });
  });

  it('leads every state to an end', () => {
    for (const [name, state] of Object.entries<Record<string, never>>(states)) {
      const next = [
        state['Next'],
        state['Default'],
        ...(state['Choices'] ?? []).map((one: { Next: string }) => one.Next),
      ];
      const targets = next.filter((one) => one !== undefined);
      expect(targets.length > 0 || state['End'] === true || state['Type'] === 'Fail', name).toBe(true);
      for (const target of targets) expect(Object.keys(states)).toContain(target);
    }
  });

  it('raises an alarm when it fails or takes too long', () => {
    const alarms = of('AWS::CloudWatch::Alarm').filter(({ properties }) => properties['Namespace'] === 'AWS/States');
    expect(alarms.map(({ properties }) => String(properties['MetricName'])).toSorted()).toEqual([
      'ExecutionsFailed',
      'ExecutionsTimedOut',
    ]);
    for (const { properties } of alarms) {
      expect(textOf(properties['Dimensions'][0].Value)).toMatch(/:stateMachine:strata-sweep-inventory-map$/);
    }
  });

  it('may call its function, start and redrive its own children, read lists and leave results, and nothing else', () => {
    const statements = identityStatements(synthesized).filter(({ owner }) => owner.includes('InventorySweepRole'));
    const allowed = statements.flatMap(({ actions }) => actions);
    expect(allowed.toSorted()).toEqual([
      'lambda:InvokeFunction',
      's3:AbortMultipartUpload',
      's3:GetObject',
      's3:GetObject',
      's3:ListBucket',
      's3:ListMultipartUploadParts',
      's3:PutObject',
      'states:DescribeExecution',
      'states:DescribeExecution',
      'states:RedriveExecution',
      'states:StartExecution',
      'states:StopExecution',
      'states:StopExecution',
    ]);
    for (const { resources } of statements) for (const one of resources) expect(one).not.toBe('*');
  });
});

describe('the inventory', () => {
  it('lists current versions below blobs/ every day as CSV, into a bucket that only S3 for that bucket may write', () => {
    const [models] = of('AWS::S3::Bucket').filter(({ properties }) => properties['VersioningConfiguration']);
    expect(models?.properties['InventoryConfigurations']).toEqual([
      expect.objectContaining({
        Id: 'blobs',
        Enabled: true,
        Prefix: 'blobs/',
        IncludedObjectVersions: 'Current',
        ScheduleFrequency: 'Daily',
        OptionalFields: ['Size', 'LastModifiedDate', 'StorageClass'],
        Destination: expect.objectContaining({ Format: 'CSV', Prefix: 'inventory' }),
      }),
    ]);
    const delivering = of('AWS::S3::BucketPolicy').flatMap(({ properties }) =>
      properties['PolicyDocument'].Statement.filter(
        (one: { Effect: string; Action: string }) => one.Effect === 'Allow' && one.Action === 's3:PutObject',
      ),
    );
    const forInventory = delivering.filter((one: object) => JSON.stringify(one).includes('inventory'));
    expect(JSON.stringify(forInventory)).toContain('aws:SourceArn');
  });
});

describe('jobs of S3 Batch Operations', () => {
  it('run as a role that reads manifests, calls the one function and writes reports', () => {
    expect(moveListed.triggers).toEqual([{ kind: 'batch-operations' }]);
    const statements = identityStatements(synthesized).filter(({ owner }) => owner.includes('BatchJobsRole'));
    const allowed = statements.flatMap(({ actions, resources }) => [
      [...actions],
      resources.map((one) => one.split('/').slice(1).join('/')),
    ]);
    expect(allowed.slice(2)).toEqual([
      ['s3:GetObject', 's3:GetObjectVersion'],
      ['manifests/*'],
      ['s3:PutObject'],
      ['reports/*'],
    ]);
    expect(allowed[0]).toEqual(['lambda:InvokeFunction']);
  });
});
