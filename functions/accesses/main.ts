import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsMessages } from '../wiring/queues.ts';
import { createAccessesHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createAccessesHandler({
  ...awsBase('accesses', environment),
  ...awsCatalog(environment),
  ...awsMessages(environment),
});
