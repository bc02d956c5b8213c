import { awsBase } from '../wiring/base.ts';
import { awsCatalog } from '../wiring/catalog.ts';
import { parseEnvironment } from '../wiring/environment.ts';
import { awsPriceLists } from '../wiring/priceLists.ts';
import { createRefreshPricesHandler } from './handler.ts';

const environment = parseEnvironment(process.env);

export const handler = createRefreshPricesHandler({
  ...awsBase('refresh-prices', environment),
  ...awsCatalog(environment),
  ...awsPriceLists(environment),
});
