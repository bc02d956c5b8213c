import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { createMoveListedHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createMoveListedHandler({
  ...awsBase('move-listed', environment),
  ...awsCatalog(environment),
});
