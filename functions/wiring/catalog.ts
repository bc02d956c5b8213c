import { createDynamoClient } from '../../lib/adapters/aws/clients.ts';
import { createDynamoCatalogStore } from '../../lib/adapters/aws/dynamoCatalogStore.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsCatalog(environment: AwsEnvironment): Pick<FunctionDeps, 'catalog'> {
  return { catalog: createDynamoCatalogStore({ client: createDynamoClient(), table: environment.STRATA_TABLE }) };
}
