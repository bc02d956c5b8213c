import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type FunctionDeclaration, streamDeadLetters } from '../../functions/shared/declaration.ts';
import { allow } from '../acknowledge.ts';
import { DeadLetterQueue } from '../constructs/deadLetterQueue.ts';
import type { StrataFunction } from '../constructs/strataFunction.ts';
import type { GrantTargets } from './grants.ts';

export interface OutboxStreamProps {
  readonly prefix: string;
  readonly declaration: FunctionDeclaration;
  readonly worker: StrataFunction;
  readonly table: ITable;
  readonly targets: GrantTargets;
  readonly topic: ITopic;
}

/**
 * Wakes the relay when outbox rows are written. Only a wake-up: a batch is given up after three tries or a minute, since
 * the relay's schedule sends whatever it finds.
 */
export class OutboxStream extends Construct {
  constructor(scope: Construct, id: string, props: OutboxStreamProps) {
    super(scope, id);
    const { declaration, table, targets, worker } = props;
    const streamArn = table.tableStreamArn;
    if (streamArn === undefined) throw new TypeError('The catalog table has a stream.');
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', {
      queueName: `${props.prefix}-${streamDeadLetters(declaration.name)}`,
      topic: props.topic,
      ifThisFails: declaration.ifThisFails,
      runbook: declaration.name,
    });
    const grant = (actions: string[], resource: string) =>
      allow(worker.role, new PolicyStatement({ actions, resources: [resource] }));
    grant(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], streamArn);
    // Asked for by Lambda on the table's streams as a whole.
    grant(['dynamodb:ListStreams'], `${targets.tableArn}/stream/*`);
    grant(['kms:Decrypt'], targets.keyArn);
    grant(['sqs:SendMessage'], deadLetters.queue.queueArn);
    worker.function.addEventSourceMapping('Outbox', {
      eventSourceArn: streamArn,
      startingPosition: StartingPosition.LATEST,
      batchSize: 100,
      bisectBatchOnError: true,
      retryAttempts: 3,
      maxRecordAge: Duration.minutes(1),
      onFailure: new SqsDlq(deadLetters.queue),
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual('INSERT'),
          dynamodb: { Keys: { pk: { S: FilterRule.beginsWith('OUTBOX#') } } },
        }),
      ],
    });
  }
}
