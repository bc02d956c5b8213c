import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createReapHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createReapHandler({
  ...awsBase('reap', environment),
  ...awsCatalog(environment),
});
