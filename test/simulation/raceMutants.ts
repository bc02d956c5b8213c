import type { Mutant } from './mutant.ts';

/** Edits of what holds only between two runs that meet. */
export const raceMutants: readonly Mutant[] = [
  {
    id: 'judged-behind-the-pages',
    breaks: 'The gate: a re-scan passes while calls of the release before still judge, whose verdicts stay.',
    file: 'lib/ingest/startRescan.ts',
    find: 'const AFTER_DEPLOYMENT_SECONDS = 900;',
    replace: 'const AFTER_DEPLOYMENT_SECONDS = 0;',
  },
  {
    id: 'blamed-for-the-catalog',
    breaks: 'Quarantine: each scan whose verdict could not be written counts, so a good upload ends as unscannable.',
    file: 'lib/ingest/settleVerdict.ts',
    find: 'const COUNTED_ONCE_MS = 10 * MINUTE_MS;',
    replace: 'const COUNTED_ONCE_MS = 0;',
  },
];
