import type { PolicyReach, TierPolicyInForce } from '../catalog/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { DAY_MS, type EpochMs } from '../shared/units.ts';
import { type Deciding, decidesAlike, easedBy, withoutBook } from './deciding.ts';
import { LOOK_PARTS } from './lookParts.ts';

export type PolicyChangeReason =
  | 'first'
  | 'unchanged'
  /** It changes what is set, and no decision: another policy's thresholds, or the settings that an older release did not note. */
  | 'noted'
  /** It only switches something off: packing, or deletes. */
  | 'switched-off'
  /** The configuration went back to what is in force. */
  | 'withdrawn'
  /** Every object is looked at under both policies; what moves meanwhile moves by the one in force. */
  | 'looking'
  | 'accepted'
  | 'catches-nothing'
  /** Objects in use would become dearer or slower to read: the policy in force stays. */
  | 'refused';

/** A look may take longer than the pause between two sweeps; one that has not ended by then has lost a message, and begins anew. */
const LOOKS_FOR_MS = 3 * DAY_MS;

/**
 * What a sweep that begins now decides by, and what becomes of a change of the policy or of its settings. What is switched off is off at
 * once, whatever else waits. It may be decided again for the same sweep. `found`: of the parts of the look that have ended.
 */
export function decidePolicyChange(
  row: TierPolicyInForce | undefined,
  wanted: Deciding,
  sweptAt: EpochMs,
  found: readonly PolicyReach[],
): { readonly reason: PolicyChangeReason; readonly policy: TierPolicyInForce } {
  const into = { inForce: wanted.policy, settings: wanted.settings, since: sweptAt };
  if (row === undefined) return { reason: 'first', policy: into };
  const { accepted, change } = row;
  const before = { policy: row.inForce, settings: row.settings ?? withoutBook(wanted.settings) };
  const present = { policy: row.inForce, settings: easedBy(before.settings, wanted.settings) };
  const eased = !decidesAlike(before, present);
  if (decidesAlike(present, wanted)) {
    if (eased) return { reason: 'switched-off', policy: into };
    const policy = { ...into, since: row.since };
    if (change !== undefined || accepted !== undefined) return { reason: 'withdrawn', policy };
    const same = canonicalJson(row.settings ?? null) === canonicalJson(wanted.settings);
    return same ? { reason: 'unchanged', policy: row } : { reason: 'noted', policy };
  }
  const isWanted = (policy: Deciding['policy'], settings = wanted.settings): boolean =>
    decidesAlike({ policy, settings }, wanted);
  if (accepted !== undefined && isWanted(accepted.policy, accepted.settings))
    return { reason: 'accepted', policy: into };
  const inForce = { inForce: present.policy, settings: present.settings, since: eased ? sweptAt : row.since };
  const look = { to: wanted.policy, settings: wanted.settings, sweptAt };
  // What was seen beside other settings in force says nothing any more.
  if (change === undefined || !isWanted(change.to, change.settings) || eased) {
    return { reason: 'looking', policy: { ...inForce, change: look } };
  }
  if (change.sweptAt >= sweptAt) return { reason: 'looking', policy: row };
  if (found.length < LOOK_PARTS) {
    const goesOn = sweptAt - change.sweptAt < LOOKS_FOR_MS;
    return { reason: 'looking', policy: goesOn ? row : { ...row, change: look } };
  }
  const reach = found.reduce(addReach);
  if (reach.caught === 0) return { reason: 'catches-nothing', policy: into };
  // Looked at again each time: what is in use changes.
  const refused = { to: wanted.policy, at: sweptAt, reach };
  return { reason: 'refused', policy: { ...inForce, change: look, refused } };
}

export const NO_REACH: PolicyReach = { objects: 0, changed: 0, caught: 0, examples: [] };

const EXAMPLES = 5;

export function addReach(one: PolicyReach, other: PolicyReach): PolicyReach {
  return {
    objects: one.objects + other.objects,
    changed: one.changed + other.changed,
    caught: one.caught + other.caught,
    examples: [...one.examples, ...other.examples].slice(0, EXAMPLES),
  };
}
