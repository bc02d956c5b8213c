import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDynamoCatalogStore } from '../../lib/adapters/aws/dynamoCatalogStore.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { createCatalogTable, dynamoOf, missing, useService } from '../support/aws.ts';
import { catalogStoreContract } from './catalogStore.suite.ts';

const skipped = missing('ministack');

describe.skipIf(skipped !== undefined)(`DynamoDB ${skipped ?? ''}`, () => {
  const service = useService('ministack');
  let store: CatalogStore;
  beforeAll(async () => {
    const client = dynamoOf(service.running());
    await createCatalogTable(client, 'catalog');
    store = createDynamoCatalogStore({ client, table: 'catalog' });
  });

  catalogStoreContract('DynamoDB', async () => store);

  it('calls a row that Strata did not write corrupt', async () => {
    const client = dynamoOf(service.running());
    const foreign = { pk: { S: 'FOREIGN' }, sk: { S: 'a' }, version: { N: '1' }, body: { S: 'no json' } };
    await client.send(new PutItemCommand({ TableName: 'catalog', Item: foreign }));
    await expect(store.get({ partition: 'FOREIGN', sort: 'a' })).rejects.toMatchObject({
      name: 'PortError',
      code: 'corrupt',
    });
  });

  it('answers an unreachable table as unavailable and a missing one as a wrong request', async () => {
    const client = dynamoOf(service.running());
    const absent = createDynamoCatalogStore({ client, table: 'absent' });
    await expect(absent.get({ partition: 'a', sort: 'b' })).rejects.toMatchObject({ retryable: false });
    const nowhere = createDynamoCatalogStore({
      client: dynamoOf({ ...service.running(), endpoint: 'http://127.0.0.1:9' }),
      table: 'catalog',
    });
    await expect(nowhere.get({ partition: 'a', sort: 'b' })).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
  });
});
