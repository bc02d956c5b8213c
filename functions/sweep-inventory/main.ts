import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createSweepInventoryHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createSweepInventoryHandler({
  ...awsBase('sweep-inventory', environment),
  ...awsCatalog(environment),
});
