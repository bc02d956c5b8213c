import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createStartPurgeHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createStartPurgeHandler({
  ...awsBase('start-purge', environment),
  ...awsCatalog(environment),
});
