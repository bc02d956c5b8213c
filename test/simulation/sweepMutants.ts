import type { Mutant } from './mutant.ts';

/** Edits of the order in which a sweep analyses, warms and moves. */
export const sweepMutants: readonly Mutant[] = [
  {
    id: 'moves-before-its-turn',
    breaks: 'The chain of a sweep: what is only cheaper elsewhere moves while what is read is warmed.',
    file: 'lib/tiering/sweepPages.ts',
    find: 'const turn: WholeRun = warming ? { ...run, warmsOnly: true } : run;',
    replace: 'const turn: WholeRun = run;',
  },
  {
    id: 'lifecycle-before-warming',
    breaks: 'The chain of a sweep: the lifecycle of a shard begins by the end of its analysis.',
    file: 'lib/tiering/endStage.ts',
    find: 'const [next] = AFTER[stage];',
    replace: 'const next = AFTER[stage].at(-1);',
  },
  {
    id: 'next-stage-not-sent',
    breaks: 'Rule 2, a message is part of its state change: a stage ends, and the one after it is never begun.',
    file: 'lib/tiering/endStage.ts',
    find: 'return { changes: [ended, begun], answer: false };',
    replace: 'return { changes: [ended], answer: begun === undefined };',
  },
  {
    id: 'inventory-moves-at-once',
    breaks: 'The chain of a sweep: a batch of the inventory moves what it finds before the others were analysed.',
    file: 'lib/tiering/sweepInventory.ts',
    find: 'const reason = run.dryRun && found.moves ?',
    replace: 'const reason = found.moves ?',
  },
];
