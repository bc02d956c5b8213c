import { describe, expect, it } from 'vitest';
import {
  caughtBy,
  compileRates,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  PolicyDiff,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 0, 1));
const at = EpochMs.parse(NOW - 200 * DAY_MS);
const FACTS: TierFacts = {
  digest: Digest.parse('a'.repeat(64)),
  bytes: Bytes.parse(1_000_000_000),
  storageClass: 'GLACIER_IR',
  createdAt: at,
  transitionedAt: at,
  accessesLast30Days: 0,
  accesses: 0,
  expiry: 'expires',
};
const HASTY = { ...LIFECYCLE_RULES, version: 'hasty', deleteAfterIdleDays: 1, deleteBelowPerDay: 1 };
const rates = compileRates(shippedPriceBook());

function diffOf(facts: TierFacts, present = false, next = true, rules = HASTY) {
  const diff = new PolicyDiff(lifecyclePolicy(rules, present), lifecyclePolicy(rules, next), rates);
  diff.add(facts, NOW);
  return diff.summary();
}

describe('a policy that deletes', () => {
  it('changes what it deletes, and catches what was read within a week', () => {
    expect(diffOf(FACTS)).toMatchObject({ changed: 1, colder: 1, caught: 0 });
    const read = { ...FACTS, lastAccessAt: EpochMs.parse(NOW - 2 * DAY_MS), accesses: 1 };
    expect(diffOf(read)).toMatchObject({
      caught: 1,
      blocked: true,
      examples: [{ why: 'read-recently', before: 'GLACIER_IR', after: 'deleted' }],
    });
  });

  it('changes nothing that is deleted anyway, or is not to be', () => {
    expect(diffOf(FACTS, true, true)).toMatchObject({ changed: 0 });
    expect(diffOf({ ...FACTS, expiry: 'deleted' })).toMatchObject({ changed: 0 });
    expect(diffOf({ ...FACTS, expiry: 'aliased' })).toMatchObject({ changed: 0 });
  });

  it('may be switched off whatever it has in its way', () => {
    const read = { ...FACTS, lastAccessAt: EpochMs.parse(NOW - 2 * DAY_MS), accesses: 1 };
    expect(diffOf(read, true, false)).toMatchObject({ changed: 1, caught: 0, blocked: false });
  });

  it('judges the present by the facts that the present policy looks at', () => {
    const diff = new PolicyDiff(lifecyclePolicy(HASTY, true), lifecyclePolicy(HASTY, true), rates);
    diff.add(FACTS, NOW, { ...FACTS, expiry: 'aliased' });
    expect(diff.summary()).toMatchObject({ changed: 1 });
  });
});

describe('a move of what was read lately', () => {
  const read: TierFacts = { ...FACTS, lastAccessAt: EpochMs.parse(NOW - DAY_MS) };
  const place = (name: string) => {
    const [storageClass = '', packed] = name.split(' ');
    return { storageClass, packed: packed === 'packed' };
  };
  const caught = (from: string, to: string) => caughtBy(read, { from: place(from), to: place(to) }, rates, NOW);

  it.each([
    ['GLACIER', 'GLACIER_IR'],
    ['DEEP_ARCHIVE', 'GLACIER'],
    ['GLACIER', 'GLACIER_IR packed'],
    ['GLACIER_IR packed', 'GLACIER_IR'],
    ['GLACIER_IR', 'STANDARD_IA'],
  ])('from %s to %s serves its readers, and not the other way round', (slow, fast) => {
    expect(caught(slow, fast)).toBeUndefined();
    expect(caught(fast, slow)).toBe('read-recently');
  });

  it('costs nobody anything where reads stay as they were', () => {
    expect(caught('STANDARD', 'INTELLIGENT_TIERING')).toBeUndefined();
    expect(caught('INTELLIGENT_TIERING', 'STANDARD')).toBeUndefined();
  });
});
