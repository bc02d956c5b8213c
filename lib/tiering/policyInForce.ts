import { expectationOf, type PolicyReach, settle, TierPolicyRow } from '../catalog/index.ts';
import { PolicyDiff } from '../placement/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { EpochMs } from '../shared/units.ts';
import { addReach, decidePolicyChange } from './decidePolicyChange.ts';
import { TieringError } from './errors.ts';
import { explainBlob, type MoveDeps } from './moveBlob.ts';
import { packSettings, policyOf, type SweepSettings } from './sweepSettings.ts';

/** What sweeps decide by: the policy in force; the configured one where no sweep has begun yet, and in dry runs. */
export async function inForce(catalog: CatalogStore, settings: SweepSettings): Promise<SweepSettings> {
  if (settings.tierSweep !== 'on') return settings;
  const row = await TierPolicyRow.get(catalog);
  return row === undefined ? settings : { ...settings, tierPolicy: row.value.inForce };
}

/**
 * Brings the configured policy into force when a sweep begins, if nothing in use would suffer by it: the sweep before has looked at every object.
 * Answers whether this sweep must look. A refusal is an error in the log and the metric `TierPolicyRefused`, which has an alarm.
 */
export async function reviewPolicy(
  { catalog, telemetry }: { readonly catalog: CatalogStore; readonly telemetry: Telemetry },
  wanted: TierPolicyName,
  sweptAt: EpochMs,
): Promise<boolean> {
  const { reason, policy } = await settle(catalog, 'The policy of storage classes', async () => {
    const row = await TierPolicyRow.get(catalog);
    const decided = decidePolicyChange(row?.value, wanted, sweptAt);
    const changes = decided.policy === row?.value ? [] : [TierPolicyRow.put(decided.policy, expectationOf(row))];
    return { changes, answer: decided };
  });
  telemetry.info('tier policy', { reason, inForce: policy.inForce, wanted });
  telemetry.metric('TierPolicyRefused', 'Count', reason === 'refused' ? 1 : 0);
  if (reason === 'refused') telemetry.error('tier-policy-refused', refusal(wanted, policy.refused?.reach), {});
  return reason === 'looking' || reason === 'refused';
}

function refusal(wanted: TierPolicyName, reach: PolicyReach | undefined): TieringError {
  return new TieringError({
    code: 'policy-refused',
    message:
      `By ${wanted}, ${reach?.caught ?? 0} of ${reach?.objects ?? 0} objects that are in use would become dearer or slower to read: ` +
      'the policy before stays. See `strata policy show`; `strata policy accept` allows it.',
    retryable: false,
  });
}

/** The policy that a sweep looks at beside the one in force; undefined where it looks at none, or has seen this shard. */
export async function policyToLookAt(
  catalog: CatalogStore,
  shard: number,
  sweptAt: EpochMs,
): Promise<TierPolicyName | undefined> {
  const change = (await TierPolicyRow.get(catalog))?.value.change;
  return change?.sweptAt === sweptAt && change.shards[shard] === undefined ? change.to : undefined;
}

/** How far the change reaches among some objects, added to what was found before. */
export async function reachOf(
  deps: MoveDeps & { readonly settings: SweepSettings },
  policies: { readonly present: TierPolicyName; readonly next: TierPolicyName },
  digests: readonly Digest[],
  at: EpochMs,
  before: PolicyReach | undefined,
): Promise<PolicyReach> {
  const next = policyOf(deps.settings, policies.next);
  const allowed = packSettings(deps.settings);
  const packs = allowed.mode === 'on' ? allowed : { ...allowed, mode: 'off' as const };
  const diff = new PolicyDiff(policyOf(deps.settings, policies.present), next, deps.rates);
  for (const digest of digests) {
    const explained = await explainBlob(deps, digest, { policy: next, packs, at });
    if (explained !== undefined) diff.add(explained.facts, at);
  }
  const { objects, changed, caught, examples } = diff.summary();
  const reach = { objects, changed, caught, examples: examples.map(({ digest }) => digest) };
  return addReach(before ?? { objects: 0, changed: 0, caught: 0, examples: [] }, reach);
}

/** Notes what a look has found in a shard, once. */
export async function noteReach(
  catalog: CatalogStore,
  shard: number,
  sweptAt: EpochMs,
  reach: PolicyReach,
): Promise<void> {
  await settle(catalog, `The reach of a policy in shard ${shard}`, async () => {
    const row = await TierPolicyRow.get(catalog);
    const change = row?.value.change;
    if (row === undefined || change?.sweptAt !== sweptAt || change.shards[shard] !== undefined) {
      return { changes: [], answer: undefined };
    }
    const shards = { ...change.shards, [shard]: reach };
    return {
      changes: [TierPolicyRow.put({ ...row.value, change: { ...change, shards } }, expectationOf(row))],
      answer: undefined,
    };
  });
}
