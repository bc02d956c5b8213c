import type { Mutant } from './mutant.ts';

/** Edits of what the dollars account and placement by dollars promise. */
export const dollarMutants: readonly Mutant[] = [
  {
    id: 'risk-above-account',
    breaks: 'Rule 5, money is reserved before it is used: a learned move risks more than its account covers.',
    file: 'lib/placement/dollarTier.ts',
    find: 'riskUsd(facts, wish, rates, now) <= mayUsd)',
    replace: 'riskUsd(facts, wish, rates, now) <= mayUsd + 1)',
  },
  {
    id: 'budget-for-ways-home-only',
    breaks:
      'Rule 5, money is reserved before it is used: a sweep takes moves that save out of no budget, as it does ways home.',
    file: 'lib/tiering/movePrice.ts',
    find: 'return WAYS_HOME.has(decision.reason);',
    replace: 'return !WAYS_HOME.has(decision.action);',
  },
  {
    id: 'departure-not-noted',
    breaks:
      'One writer per fact: a blob leaves the class of its learned move, and what brings it back there is taken for that move.',
    file: 'lib/tiering/riskBook.ts',
    find: 'if (arrivedAt !== undefined) {',
    replace: 'if (arrivedAt === 0) {',
  },
  {
    id: 'risk-never-released',
    breaks: 'Rule 5, released by what reserved it: a blob is back and its dollars stay reserved.',
    file: 'lib/tiering/riskBook.ts',
    find: 'reservedUsd: Usd.parse(account.reservedUsd - risk.reservedUsd) };',
    replace: 'reservedUsd: account.reservedUsd };',
  },
  {
    id: 'sweep-accrued-again',
    breaks: 'Rule 3, one effect: a sweep adds to an account what the sweep before it has added.',
    file: 'lib/tiering/accrueAllowance.ts',
    find: '{ ...account, shadowUsd, accruedThrough: at }',
    replace: '{ ...account, shadowUsd }',
  },
  {
    id: 'young-bytes-accrued',
    breaks: 'The account grows by what Intelligent-Tiering would never have charged: bytes that have come just now.',
    file: 'lib/tiering/accrueAllowance.ts',
    find: 'return sweptAt - since >= MOST_ACCRUED_MS;',
    replace: 'return sweptAt >= since - MOST_ACCRUED_MS;',
  },
  {
    id: 'inventory-batch-counted-twice',
    breaks: 'Rule 3, one effect: a batch of the inventory that runs again is counted again.',
    file: 'lib/tiering/accrueInventory.ts',
    find: "        OnceRow.put({ scope: 'swept-bytes', id, at: now, expiresAt }, 'absent'),\n",
    replace: '',
  },
  {
    id: 'inventory-sweep-never-closed',
    breaks:
      'Rule 2, a message is part of its state change: what a sweep over the inventory has seen reaches no account.',
    file: 'lib/tiering/startSweep.ts',
    find: '  await closeInventorySweeps(deps, scheduledAt);\n',
    replace: '',
  },
  {
    id: 'fetched-without-forecast',
    breaks: 'Placement by dollars: what nobody knows anything of is fetched ahead.',
    file: 'lib/placement/decidePlacement.ts',
    find: "if (demand === undefined) return 'no-forecast';",
    replace: 'if (demand === undefined) return undefined;',
  },
  {
    id: 'fetched-although-dearer',
    breaks: 'Placement by dollars: a version is fetched ahead although waiting for it would cost less.',
    file: 'lib/placement/decidePlacement.ts',
    find: "return usdOf('prefetch') < usdOf('none') ? undefined : 'no-expected-saving';",
    replace: "return usdOf('prefetch') < 1e9 + usdOf('none') ? undefined : 'no-expected-saving';",
  },
  {
    id: 'every-use-a-miss',
    breaks:
      'Placement by dollars: it is priced as if a host forgot what it fetched, and what hardly pays is fetched ahead.',
    file: 'lib/placement/decidePlacement.ts',
    find: 'const none = keepsFetched ?',
    replace: 'const none = keepsFetched === undefined ?',
  },
  {
    id: 'eviction-not-noted',
    breaks:
      'Placement by dollars: what a host has let go of by itself is fetched there again with the next sweep, in circles.',
    file: 'lib/fleet/settleReceipt.ts',
    find: '    ...(await evictionChanges(deps.catalog, subject, decision)),\n',
    replace: '',
  },
  {
    id: 'pause-not-asked-for',
    breaks: 'Placement by dollars: a host fetches for savings what it will let go of again, although it has said so.',
    file: 'lib/fleet/decidePause.ts',
    find: 'return now < pausedUntil && ',
    replace: 'return now > pausedUntil && ',
  },
  {
    id: 'restored-not-judged-again',
    breaks: 'Rule 4: what was archived when rules changed comes back under its old verdict.',
    file: 'lib/tiering/switchOrigin.ts',
    find: "    outboxPut({ id: `${message.actionId}-rescan`, queue: 'rescan', body }, now),\n",
    replace: '',
  },
];
