import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsSender } from '../wiring/queues.ts';
import { createRelayHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createRelayHandler({
  ...awsBase('relay', environment),
  ...awsCatalog(environment),
  ...awsSender(environment),
});
