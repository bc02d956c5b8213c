import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { awsInventorySweeps } from '../wiring/inventorySweeps.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createStartSweepHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createStartSweepHandler({
  ...awsBase('start-sweep', environment),
  ...awsCatalog(environment),
  ...awsInventorySweeps(environment),
});
