import {
  expectationOf,
  type PolicyReach,
  settle,
  SweepSettingsRow,
  type TierPolicyInForce,
  TierPolicyRow,
} from '../catalog/index.ts';
import { PolicyDiff, type Rates } from '../placement/index.ts';
import { keptBook } from '../priceBooks/index.ts';
import { bookName, combinePriceBooks } from '../pricing/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { EpochMs } from '../shared/units.ts';
import { addReach, decidePolicyChange } from './decidePolicyChange.ts';
import { type Deciding, easedBy } from './deciding.ts';
import { TieringError } from './errors.ts';
import { explainBlob } from './judgeBlob.ts';
import type { MoveDeps } from './moveRun.ts';
import { packSettings, policyOf, type SweepSettings, tierSettings } from './sweepSettings.ts';

/** What sweeps decide by: the policy in force; the configured one where no sweep has begun yet, and in dry runs. */
export async function inForce(catalog: CatalogStore, settings: SweepSettings): Promise<SweepSettings> {
  if (settings.tierSweep !== 'on') return settings;
  const row = await TierPolicyRow.get(catalog);
  if (row === undefined) return settings;
  return { ...settings, ...easedBy(row.value.settings ?? settings, settings), tierPolicy: row.value.inForce };
}

/** Notes what a sweep that begins is configured with, for who looks from outside. */
export async function noteSettings(
  catalog: CatalogStore,
  configured: TierSettings & Pick<SweepSettings, 'tierPolicy' | 'tierSweep'>,
  since: EpochMs,
): Promise<void> {
  const { tierPolicy, tierSweep } = configured;
  const noted = { tierSweep, tierPolicy, settings: tierSettings(configured) };
  await settle(catalog, 'The settings of sweeps', async () => {
    const row = await SweepSettingsRow.get(catalog);
    const { since: _, ...before } = row?.value ?? {};
    if (canonicalJson(before) === canonicalJson(noted)) return { changes: [], answer: undefined };
    return { changes: [SweepSettingsRow.put({ ...noted, since }, expectationOf(row))], answer: undefined };
  });
}

/**
 * Brings what is configured into force when a sweep begins, if nothing in use would suffer by it: the sweep before has looked at every object.
 * Answers whether this sweep must look. A refusal is an error in the log and the metric `TierPolicyRefused`, which has an alarm.
 */
export async function reviewPolicy(
  { catalog, telemetry }: { readonly catalog: CatalogStore; readonly telemetry: Telemetry },
  wanted: Deciding,
  sweptAt: EpochMs,
): Promise<boolean> {
  const { reason, policy } = await settle(catalog, 'The policy of storage classes', async () => {
    const row = await TierPolicyRow.get(catalog);
    const decided = decidePolicyChange(row?.value, wanted, sweptAt);
    const changes = decided.policy === row?.value ? [] : [TierPolicyRow.put(decided.policy, expectationOf(row))];
    return { changes, answer: decided };
  });
  telemetry.info('tier policy', { reason, inForce: policy.inForce, wanted: wanted.policy });
  telemetry.metric('TierPolicyRefused', 'Count', reason === 'refused' ? 1 : 0);
  if (reason === 'refused') telemetry.error('tier-policy-refused', refusal(wanted, policy), {});
  return reason === 'looking' || reason === 'refused';
}

function refusal({ policy, settings }: Deciding, { inForce: present, refused }: TierPolicyInForce): TieringError {
  const reach = refused?.reach;
  const wanted = present === policy ? `the new settings of ${policy}` : policyOf(settings, policy).version;
  return new TieringError({
    code: 'policy-refused',
    message:
      `By ${wanted}, ${reach?.caught ?? 0} of ${reach?.objects ?? 0} objects that are in use would become dearer or slower to read: ` +
      'the policy before stays. See `strata policy show`; `strata policy accept` allows it.',
    retryable: false,
  });
}

/** What a sweep looks at beside what is in force; undefined where it looks at nothing, or has seen this shard. */
export async function changeToLookAt(
  catalog: CatalogStore,
  configured: TierSettings,
  shard: number,
  sweptAt: EpochMs,
): Promise<Deciding | undefined> {
  const change = (await TierPolicyRow.get(catalog))?.value.change;
  if (change?.sweptAt !== sweptAt || change.shards[shard] !== undefined) return undefined;
  return { policy: change.to, settings: change.settings ?? tierSettings(configured) };
}

/** How far the change reaches among some objects, added to what was found before. */
export async function reachOf(
  deps: MoveDeps,
  { present, next }: { readonly present: Deciding; readonly next: Deciding },
  digests: readonly Digest[],
  at: EpochMs,
  soFar: PolicyReach | undefined,
): Promise<PolicyReach> {
  const [before, after] = [decidedBy(present, at), decidedBy(next, at)];
  const nextDeps = { ...deps, rates: await ratesBy(deps, next.settings.priceBook) };
  const diff = new PolicyDiff(before.policy, after.policy, deps.rates, nextDeps.rates);
  for (const digest of digests) {
    // Each policy has facts of its own: what may be packed or deleted, what is remembered of reads.
    const [old, explained] = [await explainBlob(deps, digest, before), await explainBlob(nextDeps, digest, after)];
    if (old !== undefined && explained !== undefined) diff.add(explained.facts, at, old.facts);
  }
  const { objects, changed, caught, examples } = diff.summary();
  const reach = { objects, changed, caught, examples: examples.map(({ digest }) => digest) };
  return addReach(soFar ?? { objects: 0, changed: 0, caught: 0, examples: [] }, reach);
}

/** The rates by the book of that name, or without any of the operator's. */
async function ratesBy({ catalog, rates }: MoveDeps, name: string | undefined): Promise<Rates> {
  const [first, ...behind] = rates.prices.books;
  if ((first && bookName(first)) === name) return rates;
  const presentName = (await TierPolicyRow.get(catalog))?.value.settings?.priceBook;
  const region = first !== undefined && bookName(first) === presentName ? behind : rates.prices.books;
  return rates.at(combinePriceBooks(...(name === undefined ? [] : [await keptBook(catalog, name)]), ...region));
}

function decidedBy({ policy, settings }: Deciding, at: EpochMs) {
  const allowed = packSettings(settings);
  const packs = allowed.mode === 'on' ? allowed : { ...allowed, mode: 'off' as const };
  return { policy: policyOf(settings, policy), packs, at };
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
