import type { Trigger } from '../../functions/shared/declaration.ts';
import { BLOB_INVENTORY } from '../names.ts';

export type InventoryMapTrigger = Extract<Trigger, { kind: 'inventory-map' }>;

export interface SweepDefinitionProps {
  readonly modelBucket: string;
  readonly inventoryBucket: string;
  readonly functionArn: string;
  readonly trigger: InventoryMapTrigger;
}

/** An inventory begins a day's folder when its listing starts and may take a day; an older one than this is no ground to sweep on. */
const NEWEST_WITHIN_MS = 3 * 86_400_000;

/** Errors of the service, of capacity and of batches; each batch is idempotent. */
const RETRY = [
  {
    ErrorEquals: ['States.TaskFailed', 'States.Timeout'],
    IntervalSeconds: 5,
    BackoffRate: 2,
    MaxAttempts: 5,
    MaxDelaySeconds: 120,
    JitterStrategy: 'FULL',
  },
];

/**
 * The sweep as a state machine: find the newest complete inventory (its checksum is written last), call the function for each batch of
 * its rows, which analyses them, and once all were, for the stages that move (`BeginMoves`). Killed or failed it is redriven: batches that
 * succeeded do not run again.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
 */
export function sweepDefinition(props: SweepDefinitionProps): object {
  const { inventoryBucket, modelBucket, trigger } = props;
  const input = '$states.context.Execution.Input';
  return {
    Comment: 'Decides the storage class of every blob that the bucket’s inventory lists.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: 20 * 3600,
    StartAt: 'FindInventory',
    States: {
      FindInventory: {
        Type: 'Task',
        Resource: 'arn:aws:states:::aws-sdk:s3:listObjectsV2',
        Arguments: {
          Bucket: inventoryBucket,
          Prefix: `inventory/${modelBucket}/${BLOB_INVENTORY}/`,
          StartAfter: `{% 'inventory/${modelBucket}/${BLOB_INVENTORY}/' & $fromMillis(${input}.scheduledAt - ${NEWEST_WITHIN_MS}, '[Y0001]-[M01]-[D01]') %}`,
          // Folders of days come before `data/` and `hive/`.
          MaxKeys: 100,
        },
        Output: {
          manifest:
            "{% ($found := $states.result.Contents[$contains(Key, '/manifest.checksum')].Key; $exists($found) ? $replace($sort($found)[-1], 'manifest.checksum', 'manifest.json') : null) %}",
        },
        Retry: RETRY,
        Next: 'IsThereOne',
      },
      IsThereOne: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.input.manifest != null %}', Next: 'DecideBatches' }],
        Default: 'NoInventory',
      },
      NoInventory: {
        Type: 'Fail',
        Error: 'NoInventory',
        Cause: 'S3 has delivered no inventory of the model bucket within three days.',
      },
      DecideBatches: {
        Type: 'Map',
        Label: 'batches',
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'MANIFEST', ManifestType: 'S3_INVENTORY' },
          Arguments: { Bucket: inventoryBucket, Key: '{% $states.input.manifest %}' },
        },
        ItemBatcher: {
          MaxItemsPerBatch: trigger.rowsPerBatch,
          BatchInput: {
            sweepId: `{% ${input}.sweepId %}`,
            scheduledAt: `{% ${input}.scheduledAt %}`,
            correlationId: `{% ${input}.correlationId %}`,
          },
        },
        MaxConcurrency: trigger.mostAtOnce,
        ToleratedFailurePercentage: trigger.toleratedFailures,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
          StartAt: 'DecideBatch',
          States: {
            DecideBatch: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Arguments: { FunctionName: props.functionArn, Payload: '{% $states.input %}' },
              Output: '{% $states.result.Payload %}',
              Retry: RETRY,
              End: true,
            },
          },
        },
        ResultWriter: {
          Resource: 'arn:aws:states:::s3:putObject',
          Arguments: { Bucket: inventoryBucket, Prefix: `{% 'sweeps/' & ${input}.sweepId %}` },
        },
        Next: 'BeginMoves',
      },
      // Not reached where more batches have failed than is tolerated: then nothing moves.
      BeginMoves: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: {
          FunctionName: props.functionArn,
          Payload: {
            EndOf: {
              sweepId: `{% ${input}.sweepId %}`,
              scheduledAt: `{% ${input}.scheduledAt %}`,
              correlationId: `{% ${input}.correlationId %}`,
            },
          },
        },
        Retry: RETRY,
        End: true,
      },
    },
  };
}
