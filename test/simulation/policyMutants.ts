import type { Mutant } from './mutant.ts';

/** Edits of what must hold before another policy of storage classes decides. */
export const policyMutants: readonly Mutant[] = [
  {
    id: 'policy-catches-what-is-in-use',
    breaks: 'Rule 4, every reference is checked: a policy comes into force that makes what is in use dearer to read.',
    file: 'lib/tiering/decidePolicyChange.ts',
    find: 'if (reach.caught === 0 && (reach.unknown ?? 0) === 0) return',
    replace: 'if ((reach.unknown ?? 0) === 0) return',
  },
  {
    id: 'reads-not-looked-at',
    breaks: 'Rule 4: the look at a change of policy does not see what was read lately.',
    file: 'lib/placement/policyDiff.ts',
    find: "now - facts.lastAccessAt < recentMs ? 'read-recently' : undefined",
    replace: "now - facts.lastAccessAt < 0 * recentMs ? 'read-recently' : undefined",
  },
  {
    id: 'policy-half-looked-at',
    breaks: 'Rule 4: a policy comes into force when a part of the objects was looked at.',
    file: 'lib/tiering/decidePolicyChange.ts',
    find: 'if (found.length < LOOK_PARTS)',
    replace: 'if (found.length < 1)',
  },
  {
    id: 'look-blind-to-a-range',
    breaks: 'Rule 4: the look at a change of policy passes over a part of what it is to see.',
    file: 'lib/tiering/lookParts.ts',
    find: "return { partition: `SWEEP#${part % SWEEP_SHARDS}`, from: from ?? '', to: `${last}\\u{10ffff}` };",
    replace: "return { partition: `SWEEP#${part % SWEEP_SHARDS}`, from: from ?? '', to: `${from}\\u{10ffff}` };",
  },
  {
    id: 'look-of-another-change',
    breaks: 'Rule 4: what was found for one change of policy counts for the one that is wanted now.',
    file: 'lib/tiering/lookParts.ts',
    find: "return `${sweptAt}-${createHash('sha256').update(sides).digest('hex').slice(0, 12)}`;",
    replace: "return `${createHash('sha256').update(sides).digest('hex').slice(0, 12)}`;",
  },
  {
    id: 'another-change-accepted',
    breaks: 'An operator has accepted one change of policy, and another one comes into force by that.',
    file: 'lib/tiering/decidePolicyChange.ts',
    find: 'if (accepted !== undefined && isWanted(accepted.policy, accepted.settings, accepted.version))',
    replace: 'if (accepted !== undefined)',
  },
  {
    id: 'first-policy-unseen',
    breaks: 'Rule 4: the first policy decides before anybody has looked at what it would do.',
    file: 'lib/tiering/decidePolicyChange.ts',
    find: 'if (row?.inForce === undefined && isEmpty)',
    replace: 'if (row?.inForce === undefined)',
  },
  {
    id: 'other-code-unseen',
    breaks: 'Rule 4: a release that decides otherwise moves objects before anybody has looked at what it would do.',
    file: 'lib/placement/policyVersions.ts',
    find: 'return notedVersion(policy, noted) === POLICY_VERSIONS[policy];',
    replace: 'return notedVersion(policy, noted) !== undefined;',
  },
  {
    id: 'decides-by-a-book-that-is-configured',
    breaks: 'Rule 4: a price book of an operator decides moves before anybody has looked at what it would do.',
    file: 'lib/priceBooks/ownBook.ts',
    find: "if (row?.inForce !== undefined && (tierSweep === undefined || tierSweep === 'on')) return row.settings?.priceBook;",
    replace: 'if (row?.inForce !== undefined && tierSweep === undefined) return row.settings?.priceBook;',
  },
  {
    id: 'moves-by-what-is-configured',
    breaks: 'A sweep moves objects by the policy that is configured and not in force.',
    file: 'lib/tiering/policyInForce.ts',
    find: 'if (present !== undefined) return scheduledRun(present, scheduled);',
    replace: 'if (present !== undefined) return scheduledRun(settings, scheduled);',
  },
];
