import { expectationOf, type PolicyLook, settle, type TierPolicyInForce, TierPolicyRow } from '../catalog/index.ts';
import { notedVersion } from '../placement/index.ts';
import { EpochMs } from '../shared/units.ts';
import { OperationsError } from './errors.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import {
  addReach,
  type Configured,
  type Deciding,
  decides,
  decidesAlike,
  LOOK_PARTS,
  noted,
  partsOf,
  wantedNow,
} from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';

interface ShowDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  /** What sweeps are configured with, where the caller is the plane itself. */
  readonly configured?: Configured | undefined;
}

/** The policy that sweeps decide by, and the change of it that waits; without items where no sweep has begun yet. */
export async function showTierPolicy({
  catalog,
  clock,
  configured,
}: ShowDeps): Promise<OperationOutput<'showTierPolicy'>> {
  const row = await TierPolicyRow.get(catalog);
  if (row === undefined) return { items: [] };
  const parts = await partsOf(catalog, row.value);
  return { items: [viewOf(row.value, await wantedNow(catalog, configured), parts, clock.now())] };
}

/** Allows a change of policy that catches objects in use; the next sweep begins with it. Throws `nothing-to-accept`. */
export async function acceptTierPolicy(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  { policy, by, dryRun }: OperationInput<'acceptTierPolicy'>,
): Promise<OperationOutput<'acceptTierPolicy'>> {
  return settle(catalog, `Accepting ${policy}`, async () => {
    const row = await TierPolicyRow.get(catalog);
    if (row?.value.change?.to !== policy) throw nothingToAccept(policy, row?.value);
    const { to: _, sweptAt: __, shards: ___, ...change } = row.value.change;
    const accepted = { policy, ...change, by, at: clock.now() };
    const next: TierPolicyInForce = { ...row.value, accepted };
    return {
      changes: dryRun ? [] : [TierPolicyRow.put(next, expectationOf(row))],
      answer: viewOf(next, undefined, await partsOf(catalog, next), clock.now()),
    };
  });
}

/** `wanted`: what is configured by now, which may not be what the last sweep has looked at. */
function viewOf(row: TierPolicyInForce, wanted: Deciding | undefined, parts: readonly PolicyLook[], now: EpochMs) {
  const { inForce, settings, since, accepted, change, refused } = row;
  const settingsOf = change?.settings ?? wanted?.settings;
  const looked = change && settingsOf && noted(change.to, settingsOf, change.version);
  const waits = wanted ?? looked;
  const same = wanted === undefined || (looked !== undefined && decidesAlike(looked, wanted));
  const seen = same ? parts : [];
  return {
    ...(inForce === undefined ? {} : { inForce, version: notedVersion(inForce, row.version) }),
    ...(settings === undefined ? {} : { settings }),
    decides: decides(row),
    since,
    ...(waits === undefined ? {} : { wanted: waits.policy, wantedSettings: waits.settings }),
    ...(seen.length === 0 ? {} : { reach: seen.map(({ reach }) => reach).reduce(addReach) }),
    ...(change === undefined || !same ? {} : { look: progressOf(change.sweptAt, seen, now) }),
    ...(refused === undefined || !same ? {} : { refusedAt: refused.at, refusedFor: refused.reach }),
    ...(accepted === undefined || !same ? {} : { acceptedBy: accepted.by }),
  };
}

/** Parts go side by side, so what is left takes as long for each of it as what is done has taken. */
function progressOf(since: EpochMs, parts: readonly PolicyLook[], now: EpochMs) {
  const place = parts.reduce((sum, one) => sum + one.place, 0) / LOOK_PARTS;
  const ended = parts.filter(({ endedAt }) => endedAt !== undefined);
  const left = place > 0 && ended.length < LOOK_PARTS ? ((now - since) * (1 - place)) / place : undefined;
  return {
    since,
    parts: ended.length,
    of: LOOK_PARTS,
    place,
    ...(left === undefined ? {} : { endsAt: EpochMs.parse(Math.round(now + left)) }),
  };
}

function nothingToAccept(policy: string, row: TierPolicyInForce | undefined): OperationsError {
  const waits =
    row?.change === undefined ? 'No change of policy waits' : `What waits is the change to ${row.change.to}`;
  return new OperationsError({
    code: 'nothing-to-accept',
    message: `${waits}: set ${policy} as the plane's tier policy, and let a sweep look at it first.`,
    retryable: false,
  });
}
