import { type AttributeDefinition, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { isPrepared, type ServiceName } from '../../local/services/places.ts';
import { type RunningService, startMiniStack, startMinio } from '../../local/services/start.ts';

/** Why a suite is skipped, to stand in its name; undefined when it runs. Services named in `STRATA_REQUIRE_SERVICES` are never skipped. */
export function missing(service: ServiceName): string | undefined {
  const required = (process.env['STRATA_REQUIRE_SERVICES'] ?? '').split(',');
  if (isPrepared(service) || required.includes(service)) return undefined;
  return `SKIPPED: ${service} is not prepared, run npm run services`;
}

/** Starts a service before the tests of this file and stops it after them. */
export function useService(service: 'ministack' | 'minio'): { readonly running: () => RunningService } {
  let started: RunningService | undefined;
  beforeAll(async () => {
    started = await (service === 'ministack' ? startMiniStack() : startMinio());
  });
  afterAll(() => started?.stop());
  return {
    running() {
      if (started === undefined) throw new Error(`${service} is not running`);
      return started;
    },
  };
}

const configOf = ({ endpoint, credentials, region }: RunningService) => ({ endpoint, credentials, region });

export const s3Of = (service: RunningService) => new S3Client({ ...configOf(service), forcePathStyle: true });
export const sqsOf = (service: RunningService) => new SQSClient(configOf(service));
export const dynamoOf = (service: RunningService) => new DynamoDBClient(configOf(service));
export const secretsOf = (service: RunningService) => new SecretsManagerClient(configOf(service));

/** The catalog table with the keys and indexes that `infra/` gives it. */
export async function createCatalogTable(client: DynamoDBClient, table: string): Promise<void> {
  const names = ['pk', 'sk', 'listingPk', 'listingSk', 'duePk', 'dueSk'];
  const key = (pk: string, sk: string) => [
    { AttributeName: pk, KeyType: 'HASH' as const },
    { AttributeName: sk, KeyType: 'RANGE' as const },
  ];
  const index = (name: string) => ({
    IndexName: name,
    KeySchema: key(`${name}Pk`, `${name}Sk`),
    Projection: { ProjectionType: 'ALL' as const },
  });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((name): AttributeDefinition => ({ AttributeName: name, AttributeType: 'S' })),
      KeySchema: key('pk', 'sk'),
      GlobalSecondaryIndexes: [index('listing'), index('due')],
    }),
  );
}
