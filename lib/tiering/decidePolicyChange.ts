import type { PolicyReach, TierPolicyInForce } from '../catalog/index.ts';
import { POLICY_VERSIONS } from '../placement/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { DAY_MS, type EpochMs, HOUR_MS } from '../shared/units.ts';
import { type Deciding, decidesAlike, easedBy, noted, withoutBook } from './deciding.ts';
import { LOOK_PARTS } from './lookParts.ts';

export type PolicyChangeReason =
  /** There is nothing yet that the first policy could catch. */
  | 'first'
  | 'unchanged'
  /** It changes what is set, and no decision: another policy's thresholds, or what an older release did not note. */
  | 'noted'
  /** It only switches something off: packing, or deletes. */
  | 'switched-off'
  /** The configuration went back to what is in force. */
  | 'withdrawn'
  /** Every object is looked at under both policies; what moves meanwhile moves by the one in force. */
  | 'looking'
  | 'accepted'
  | 'catches-nothing'
  /** Objects in use would become dearer or slower to read, or nobody knows of some: the policy in force stays. */
  | 'refused';

/** A look may take longer than the pause between two sweeps; one that has not ended by then has lost a message, and begins anew. */
const LOOKS_FOR_MS = 3 * DAY_MS;
/** So does one that stands still for longer than a message is delivered again and again: another release has taken its messages. */
const STANDS_FOR_MS = 12 * HOUR_MS;

/** A change that waits, as far as sweeps know. */
export interface PolicyNews {
  readonly wanted: Deciding;
  readonly sweptAt: EpochMs;
  /** Of the parts of the look that have ended. */
  readonly found: readonly PolicyReach[];
  /** For how long no part of the look has gone on, by the clock: sweeps may be of another moment. Undefined where none has begun. */
  readonly stoodMs: number | undefined;
  /** No object is there that anything could happen to. */
  readonly isEmpty: boolean;
}

/**
 * What a sweep that begins now decides by, and what becomes of a change of the policy, of its settings or of its code. Before the first policy
 * nothing decides. What is switched off is off at once, whatever else waits. It may be decided again for the same sweep.
 */
export function decidePolicyChange(
  row: TierPolicyInForce | undefined,
  { found, isEmpty, sweptAt, stoodMs, wanted }: PolicyNews,
): { readonly reason: PolicyChangeReason; readonly policy: TierPolicyInForce } {
  const version = POLICY_VERSIONS[wanted.policy];
  const into = { inForce: wanted.policy, settings: wanted.settings, version, since: sweptAt };
  const look = { to: wanted.policy, settings: wanted.settings, version, sweptAt };
  if (row?.inForce === undefined && isEmpty) return { reason: 'first', policy: into };
  if (row === undefined) return { reason: 'looking', policy: { since: sweptAt, change: look } };
  const { accepted, change } = row;
  const { alike, eased, inForce } = inForceNow(row, wanted, sweptAt);
  if (alike) {
    if (eased) return { reason: 'switched-off', policy: into };
    const policy = { ...into, since: row.since };
    if (change !== undefined || accepted !== undefined) return { reason: 'withdrawn', policy };
    const same = canonicalJson(row) === canonicalJson({ ...row, settings: wanted.settings, version });
    return same ? { reason: 'unchanged', policy: row } : { reason: 'noted', policy };
  }
  const isWanted = (policy: Deciding['policy'], settings = wanted.settings, noticed?: string): boolean =>
    decidesAlike(noted(policy, settings, noticed), wanted);
  if (accepted !== undefined && isWanted(accepted.policy, accepted.settings, accepted.version))
    return { reason: 'accepted', policy: into };
  // What was seen beside other settings in force says nothing any more.
  if (change === undefined || !isWanted(change.to, change.settings, change.version) || eased) {
    return { reason: 'looking', policy: { ...inForce, change: look } };
  }
  if (change.sweptAt >= sweptAt) return { reason: 'looking', policy: row };
  if (found.length < LOOK_PARTS) {
    const age = sweptAt - change.sweptAt;
    const goesOn = age < LOOKS_FOR_MS && (stoodMs ?? age) < STANDS_FOR_MS;
    return { reason: 'looking', policy: goesOn ? row : { ...row, change: look } };
  }
  const reach = found.reduce(addReach);
  if (reach.caught === 0 && (reach.unknown ?? 0) === 0) return { reason: 'catches-nothing', policy: into };
  // Looked at again each time: what is in use changes, and what could not be read is repaired.
  const refused = { to: wanted.policy, at: sweptAt, reach };
  return { reason: 'refused', policy: { ...inForce, change: look, refused } };
}

/** What a row says is in force, without what is switched off by now, and whether that decides as is wanted. */
function inForceNow(row: TierPolicyInForce, wanted: Deciding, sweptAt: EpochMs) {
  const { inForce: name, since, version } = row;
  if (name === undefined) return { alike: false, eased: false, inForce: { since } };
  const before = noted(name, row.settings ?? withoutBook(wanted.settings), version);
  const present = { ...before, settings: easedBy(before.settings, wanted.settings) };
  const eased = !decidesAlike(before, present);
  const { settings } = present;
  const inForce = {
    inForce: name,
    settings,
    ...(version === undefined ? {} : { version }),
    since: eased ? sweptAt : since,
  };
  return { alike: decidesAlike(present, wanted), eased, inForce };
}

export const NO_REACH: PolicyReach = { objects: 0, changed: 0, caught: 0, examples: [] };

const EXAMPLES = 5;

export function addReach(one: PolicyReach, other: PolicyReach): PolicyReach {
  const unknown = (one.unknown ?? 0) + (other.unknown ?? 0);
  const unreadable = [...(one.unreadable ?? []), ...(other.unreadable ?? [])].slice(0, EXAMPLES);
  return {
    objects: one.objects + other.objects,
    changed: one.changed + other.changed,
    caught: one.caught + other.caught,
    examples: [...one.examples, ...other.examples].slice(0, EXAMPLES),
    ...(unknown === 0 ? {} : { unknown, unreadable }),
  };
}
