import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsObjects } from '../wiring/objects.ts';
import { awsSender } from '../wiring/queues.ts';
import { createReconcileHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createReconcileHandler({
  ...awsBase('reconcile', environment),
  ...awsCatalog(environment),
  ...awsObjects(environment),
  ...awsSender(environment),
});
