import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsCommandKeys } from '../wiring/hosts.ts';
import { awsMessages } from '../wiring/queues.ts';
import { createHeartbeatsHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createHeartbeatsHandler({
  ...awsBase('heartbeats', environment),
  ...awsCatalog(environment),
  ...awsMessages(environment),
  ...awsCommandKeys(environment),
});
