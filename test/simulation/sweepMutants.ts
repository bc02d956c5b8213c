import type { Mutant } from './mutant.ts';

/** Edits of the order in which a sweep analyses, warms and moves. */
export const sweepMutants: readonly Mutant[] = [
  {
    id: 'moves-before-its-turn',
    breaks: 'The chain of a sweep: what is only cheaper elsewhere moves while what is read is warmed.',
    file: 'lib/tiering/carryOutPage.ts',
    find: "const warming = stage === 'warming';",
    replace: 'const warming = false;',
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
  {
    id: 'left-untold',
    breaks: 'A sweep says what it has left: what it may not set going any more is passed over without a word.',
    file: 'lib/tiering/carryOutPage.ts',
    find: 'tally.left += 1;',
    replace: 'tally.left += 0;',
  },
  {
    id: 'without-a-turn-for-good',
    breaks: 'Nothing that was found is lost: what has no turn while warming has none in the lifecycle either.',
    file: 'lib/tiering/carryOutPage.ts',
    find: '(warming && warms === false)',
    replace: 'warms === false',
  },
  {
    id: 'kept-beside-the-budget',
    breaks:
      'Budgets are never exceeded: what is kept for a move that waited comes on top of what the shards may spend.',
    file: 'lib/tiering/keepForWaiting.ts',
    find: 'Math.max(0, budgetUsd - usd) *',
    replace: 'Math.max(0, budgetUsd) *',
  },
  {
    id: 'kept-for-anybody',
    breaks: 'Nothing waits for ever: what is kept for a move that waited is taken by those that come before it.',
    file: 'lib/tiering/sweepBudget.ts',
    find: 'kept?.digest === move.digest ? undefined : kept;',
    replace: 'kept?.digest === move.digest ? kept : undefined;',
  },
];
