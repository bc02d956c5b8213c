import { createMemCatalogStore } from '../support/memCatalogStore.ts';
import { catalogStoreContract } from './catalogStore.suite.ts';

catalogStoreContract('The catalog in memory', async () => createMemCatalogStore());
