import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createWatchRestoresHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createWatchRestoresHandler({
  ...awsBase('watch-restores', environment),
  ...awsCatalog(environment),
});
