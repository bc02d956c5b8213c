import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsCommandKeys } from '../wiring/hosts.ts';
import { awsHostQueues, awsMessages } from '../wiring/queues.ts';
import { createPlacementHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createPlacementHandler({
  ...awsBase('placement', environment),
  ...awsCatalog(environment),
  ...awsMessages(environment),
  ...awsCommandKeys(environment),
  ...awsHostQueues(environment),
});
