import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsObjects } from '../wiring/objects.ts';
import { createExpireUploadsHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createExpireUploadsHandler({
  ...awsBase('expire-uploads', environment),
  ...awsCatalog(environment),
  ...awsObjects(environment),
});
