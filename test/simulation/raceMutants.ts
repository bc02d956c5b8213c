import type { Mutant } from './mutant.ts';

/** Edits of what holds only between two runs that meet. */
export const raceMutants: readonly Mutant[] = [
  {
    id: 'older-verdict-wins',
    breaks: 'The gate: a late call of an older release writes its verdict over that of newer rules.',
    file: 'lib/ingest/judgedRows.ts',
    find: 'now.rules === judged.rules) return;',
    replace: "now.rules !== '') return;",
  },
];
