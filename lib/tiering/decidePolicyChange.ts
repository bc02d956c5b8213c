import { type PolicyReach, SWEEP_SHARDS, type TierPolicyInForce } from '../catalog/index.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { EpochMs } from '../shared/units.ts';

export type PolicyChangeReason =
  | 'first'
  | 'unchanged'
  /** The configuration went back to what is in force. */
  | 'withdrawn'
  /** This sweep looks at every object under both policies, and moves by the one in force. */
  | 'looking'
  | 'accepted'
  | 'catches-nothing'
  /** Objects in use would become dearer or slower to read: the policy in force stays. */
  | 'refused';

/** What a sweep that begins now decides by, and what becomes of a change of policy. It may be decided again for the same sweep. */
export function decidePolicyChange(
  row: TierPolicyInForce | undefined,
  wanted: TierPolicyName,
  sweptAt: EpochMs,
): { readonly reason: PolicyChangeReason; readonly policy: TierPolicyInForce } {
  if (row === undefined) return { reason: 'first', policy: { inForce: wanted, since: sweptAt } };
  const { inForce, since, accepted, change } = row;
  const into = { inForce: wanted, since: sweptAt };
  if (inForce === wanted) {
    if (change === undefined && accepted === undefined) return { reason: 'unchanged', policy: row };
    return { reason: 'withdrawn', policy: { inForce, since } };
  }
  if (accepted?.policy === wanted) return { reason: 'accepted', policy: into };
  const look = { to: wanted, sweptAt, shards: {} };
  if (change?.to !== wanted) return { reason: 'looking', policy: { inForce, since, change: look } };
  if (change.sweptAt >= sweptAt) return { reason: 'looking', policy: row };
  const found = Object.values(change.shards);
  // A sweep that did not come to its end has not seen all: look again.
  if (found.length < SWEEP_SHARDS) return { reason: 'looking', policy: { ...row, change: look } };
  const reach = found.reduce(addReach);
  if (reach.caught === 0) return { reason: 'catches-nothing', policy: into };
  // Looked at again each time: what is in use changes.
  const refused = { to: wanted, at: sweptAt, reach };
  return { reason: 'refused', policy: { inForce, since, change: look, refused } };
}

const EXAMPLES = 5;

export function addReach(one: PolicyReach, other: PolicyReach): PolicyReach {
  return {
    objects: one.objects + other.objects,
    changed: one.changed + other.changed,
    caught: one.caught + other.caught,
    examples: [...one.examples, ...other.examples].slice(0, EXAMPLES),
  };
}
