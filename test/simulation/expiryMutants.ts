import type { Mutant } from './mutant.ts';

/** Edits of what deletes by policy promise. */
export const expiryMutants: readonly Mutant[] = [
  {
    id: 'expired-although-on-hosts',
    breaks: 'Rule 4, nothing is deleted that somebody needs: a policy deletes what hosts hold.',
    file: 'lib/expiry/decideExpiry.ts',
    find: "  if (own.some(({ hosts }) => hosts > 0)) return 'on-hosts';\n",
    replace: '',
  },
  {
    id: 'expired-without-limit',
    breaks: 'Rule 5: a sweep deletes more versions than it may.',
    file: 'lib/expiry/expireVersions.ts',
    find: "  if (run.versions >= settings.lifecycleMostDeletes) return 'rate-reached';\n",
    replace: '',
  },
  {
    id: 'expired-although-newest',
    breaks: 'Rule 4: a policy deletes what a model’s name stands for.',
    file: 'lib/expiry/decideExpiry.ts',
    find: "  if (facts.newest) return 'newest';\n",
    replace: '',
  },
  {
    id: 'expired-although-just-published',
    breaks: 'Rule 4: old bytes that are published again are deleted as if they had been there all the while.',
    file: 'lib/expiry/decideExpiry.ts',
    find: 'const since = Math.max(facts.publishedAt, facts.undoneAt ?? 0);',
    replace: 'const since = 0;',
  },
];
