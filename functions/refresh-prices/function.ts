import { declareFunction } from '../shared/declaration.ts';

export const refreshPrices = declareFunction({
  name: 'refresh-prices',
  purpose:
    'Every day: compares the prices in force with the provider’s lists, and takes new ones over unless they moved too far.',
  ifThisFails:
    'decisions go on with the prices that are known, which are right until the provider changes them. `strata prices show` tells their age; `strata prices check` reads the lists from where it is run, and `strata prices accept` takes a book over.',
  triggers: [{ kind: 'schedule', schedule: 'refresh-prices', at: { dailyUtc: '01:30' } }],
  timeoutSeconds: 240,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write'],
});
