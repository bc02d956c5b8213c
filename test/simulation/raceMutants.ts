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
    id: 'taken-back-unseen',
    breaks:
      'The gate: a release that is taken back before the schedule has seen it leaves verdicts that are no verdicts, for a month.',
    file: 'lib/ingest/startRescan.ts',
    find: 'if (last?.cursor === undefined || last.cursor === judging)',
    replace: "if (last?.cursor !== 'noted')",
  },
  {
    id: 'judged-again-for-ever',
    breaks:
      'Rule 8: an upload whose judge and whose publisher are of two releases goes from one to the other for ever.',
    file: 'lib/ingest/publishUpload.ts',
    find: ', ...nextHop(row.value) };',
    replace: ' };',
  },
  {
    id: 'judged-again-midway',
    breaks:
      'Rule 8: each judgement by other rules goes on at the hop of the one before, so a good upload ends by the hop limit.',
    file: 'lib/ingest/publishUpload.ts',
    find: ' scan: _scan,',
    replace: '',
  },
  {
    id: 'blamed-for-the-catalog',
    breaks: 'Quarantine: each scan whose verdict could not be written counts, so a good upload ends as unscannable.',
    file: 'lib/ingest/settleVerdict.ts',
    find: 'const COUNTED_ONCE_MS = 10 * MINUTE_MS;',
    replace: 'const COUNTED_ONCE_MS = 0;',
  },
  {
    id: 'released-unseen',
    breaks: 'Overrides: an operator releases whatever lies under the key by then, not the version that they looked at.',
    file: 'lib/ingest/releaseUpload.ts',
    find: 'seen.versionId !== undefined && ',
    replace: 'seen.versionId === key && ',
  },
  {
    id: 'released-as-judged-since',
    breaks: 'Overrides: an operator releases what other rules have judged since they looked at it.',
    file: 'lib/ingest/releaseUpload.ts',
    find: 'seen.rules !== undefined && ',
    replace: 'seen.rules === key && ',
  },
];
