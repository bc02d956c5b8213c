import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsCommandKeys } from '../wiring/hosts.ts';
import { awsObjects } from '../wiring/objects.ts';
import { awsMessages } from '../wiring/queues.ts';
import { createPurgeHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createPurgeHandler({
  ...awsBase('purge', environment),
  ...awsCatalog(environment),
  ...awsMessages(environment),
  ...awsObjects(environment),
  ...awsCommandKeys(environment),
});
