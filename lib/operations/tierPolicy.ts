import { expectationOf, settle, type TierPolicyInForce, TierPolicyRow } from '../catalog/index.ts';
import { OperationsError } from './errors.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { addReach } from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';

/** The policy that sweeps decide by, and the change of it that waits; without items where no sweep has begun yet. */
export async function showTierPolicy(catalog: CatalogStore): Promise<OperationOutput<'showTierPolicy'>> {
  const row = await TierPolicyRow.get(catalog);
  return { items: row === undefined ? [] : [viewOf(row.value)] };
}

/** Allows a change of policy that catches objects in use; the next sweep begins with it. Throws `nothing-to-accept`. */
export async function acceptTierPolicy(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  { policy, by, dryRun }: OperationInput<'acceptTierPolicy'>,
): Promise<OperationOutput<'acceptTierPolicy'>> {
  return settle(catalog, `Accepting ${policy}`, async () => {
    const row = await TierPolicyRow.get(catalog);
    if (row?.value.change?.to !== policy) throw nothingToAccept(policy, row?.value);
    const { settings } = row.value.change;
    const accepted = { policy, ...(settings === undefined ? {} : { settings }), by, at: clock.now() };
    const next: TierPolicyInForce = { ...row.value, accepted };
    return { changes: dryRun ? [] : [TierPolicyRow.put(next, expectationOf(row))], answer: viewOf(next) };
  });
}

function viewOf({ inForce, settings, since, accepted, change, refused }: TierPolicyInForce) {
  const seen = Object.values(change?.shards ?? {});
  return {
    inForce,
    ...(settings === undefined ? {} : { settings }),
    since,
    ...(change === undefined ? {} : { wanted: change.to }),
    ...(change?.settings === undefined ? {} : { wantedSettings: change.settings }),
    ...(seen.length === 0 ? {} : { reach: seen.reduce(addReach) }),
    ...(refused === undefined ? {} : { refusedAt: refused.at, refusedFor: refused.reach }),
    ...(accepted === undefined ? {} : { acceptedBy: accepted.by }),
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
