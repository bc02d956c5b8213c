import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsObjects } from '../wiring/objects.ts';
import { awsMessages } from '../wiring/queues.ts';
import { createRescanHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createRescanHandler({
  ...awsBase('rescan', environment),
  ...awsCatalog(environment),
  ...awsMessages(environment),
  ...awsObjects(environment),
});
