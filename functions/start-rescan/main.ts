import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createStartRescanHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createStartRescanHandler({
  ...awsBase('start-rescan', environment),
  ...awsCatalog(environment),
});
