import { describe, expect, it } from 'vitest';
import { type PolicyReach, SWEEP_SHARDS, type TierPolicyInForce } from '../../../lib/catalog/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { decidePolicyChange } from '../../../lib/tiering/decidePolicyChange.ts';

const [FIRST, SECOND, THIRD] = [1, 2, 3].map((day) => EpochMs.parse(day * 86_400_000)) as [EpochMs, EpochMs, EpochMs];
const RULES: TierPolicyInForce = { inForce: 'rules', since: FIRST };
const DIGEST = Digest.parse('a'.repeat(64));

function lookedAt(caught: number, shards = SWEEP_SHARDS): TierPolicyInForce {
  const one: PolicyReach = { objects: 2, changed: 1, caught, examples: caught === 0 ? [] : [DIGEST] };
  const found = Object.fromEntries(Array.from({ length: shards }, (_, shard) => [shard, one]));
  return { ...RULES, change: { to: 'dollars', sweptAt: SECOND, shards: found } };
}

describe('the policy that sweeps decide by', () => {
  it.each([
    ['first', undefined, 'dollars', FIRST, 'dollars'],
    ['unchanged', RULES, 'rules', SECOND, 'rules'],
    ['looking', RULES, 'dollars', SECOND, 'rules'],
    ['withdrawn', lookedAt(1), 'rules', THIRD, 'rules'],
    ['catches-nothing', lookedAt(0), 'dollars', THIRD, 'dollars'],
    ['refused', lookedAt(1), 'dollars', THIRD, 'rules'],
    ['looking', lookedAt(0, SWEEP_SHARDS - 1), 'dollars', THIRD, 'rules'],
  ] as const)('is %s', (reason, row, wanted, at, inForce) => {
    expect(decidePolicyChange(row, wanted, at)).toMatchObject({ reason, policy: { inForce } });
  });

  it('is looked at by one sweep, however often that begins', () => {
    const { policy } = decidePolicyChange(RULES, 'dollars', SECOND);
    expect(policy.change).toEqual({ to: 'dollars', sweptAt: SECOND, shards: {} });
    expect(decidePolicyChange(policy, 'dollars', SECOND)).toEqual({ reason: 'looking', policy });
  });

  it('is refused with what it would catch, and looked at again meanwhile', () => {
    const { policy } = decidePolicyChange(lookedAt(1), 'dollars', THIRD);
    expect(policy.refused).toMatchObject({ to: 'dollars', at: THIRD, reach: { objects: 32, changed: 16, caught: 16 } });
    expect(policy.refused?.reach.examples).toHaveLength(5);
    expect(policy.change).toEqual({ to: 'dollars', sweptAt: THIRD, shards: {} });
  });

  it('changes by the next sweep once an operator has accepted it, and forgets that with the change', () => {
    const accepted = { policy: 'dollars' as const, by: 'ada', at: SECOND };
    const { reason, policy } = decidePolicyChange({ ...lookedAt(1), accepted }, 'dollars', THIRD);
    expect([reason, policy]).toEqual(['accepted', { inForce: 'dollars', since: THIRD }]);
    expect(decidePolicyChange({ ...RULES, accepted }, 'rules', THIRD)).toEqual({ reason: 'withdrawn', policy: RULES });
  });
});
