import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsSeals } from '../wiring/seals.ts';
import { createSealAuditHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createSealAuditHandler({
  ...awsBase('seal-audit', environment),
  ...awsCatalog(environment),
  ...awsSeals(environment),
});
