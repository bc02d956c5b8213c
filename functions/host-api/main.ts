import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsCommandKeys, awsHostCredentials } from '../wiring/hosts.ts';
import { awsHostQueues } from '../wiring/queues.ts';
import { createHostApiHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createHostApiHandler({
  ...awsBase('host-api', environment),
  ...awsCatalog(environment),
  ...awsCommandKeys(environment),
  ...awsHostCredentials(environment),
  ...awsHostQueues(environment),
});
