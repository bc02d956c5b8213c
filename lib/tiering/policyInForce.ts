import {
  expectationOf,
  type PolicyReach,
  settle,
  SweepSettingsRow,
  type TierPolicyInForce,
  TierPolicyRow,
} from '../catalog/index.ts';
import { PolicyDiff, type Rates, type TierFacts } from '../placement/index.ts';
import { keptBook } from '../priceBooks/index.ts';
import { bookName, combinePriceBooks } from '../pricing/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { EpochMs } from '../shared/units.ts';
import { addReach, decidePolicyChange, NO_REACH } from './decidePolicyChange.ts';
import { type Deciding, easedBy } from './deciding.ts';
import { TieringError } from './errors.ts';
import { explainBlob } from './judgeBlob.ts';
import { lookIdOf, lookMessages, partsOf } from './lookParts.ts';
import type { MoveDeps } from './moveRun.ts';
import { readOnce } from '../shared/readOnce.ts';
import { packSettings, policyOf, type SweepSettings, tierSettings } from './sweepSettings.ts';

/** What sweeps decide by: the policy in force; the configured one where no sweep has begun yet, and in dry runs. */
export async function inForce(catalog: CatalogStore, settings: SweepSettings): Promise<SweepSettings> {
  if (settings.tierSweep !== 'on') return settings;
  const row = await TierPolicyRow.get(catalog);
  if (row === undefined) return settings;
  const { priceBook: _, ...rest } = settings;
  return { ...rest, ...easedBy(row.value.settings ?? rest, settings), tierPolicy: row.value.inForce };
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
 * Brings what is configured into force when a sweep begins, if nothing in use would suffer by it, once every object was looked at; else has the
 * look begin, by the write that notes it. A refusal is an error in the log and the metric `TierPolicyRefused`, which has an alarm.
 */
export async function reviewPolicy(
  { catalog, clock, telemetry }: Pick<MoveDeps, 'catalog' | 'clock'> & { readonly telemetry: Telemetry },
  wanted: Deciding,
  sweptAt: EpochMs,
): Promise<void> {
  const { reason, policy } = await settle(catalog, 'The policy of storage classes', async () => {
    const row = await TierPolicyRow.get(catalog);
    const parts = row === undefined ? [] : await partsOf(catalog, row.value);
    const found = parts.filter(({ endedAt }) => endedAt !== undefined).map(({ reach }) => reach);
    const decided = decidePolicyChange(row?.value, wanted, sweptAt, found);
    if (decided.policy === row?.value) return { changes: [], answer: decided };
    const lookId = lookIdOf(decided.policy);
    const before = row === undefined ? undefined : lookIdOf(row.value);
    const begun = lookId === undefined || lookId === before ? [] : lookMessages(lookId, clock.now());
    return { changes: [TierPolicyRow.put(decided.policy, expectationOf(row)), ...begun], answer: decided };
  });
  telemetry.info('tier policy', { reason, inForce: policy.inForce, wanted: wanted.policy });
  telemetry.metric('TierPolicyRefused', 'Count', reason === 'refused' ? 1 : 0);
  if (reason === 'refused') telemetry.error('tier-policy-refused', refusal(wanted, policy), {});
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

/** Blobs that are looked at side by side: each takes a handful of reads. */
const BLOBS_AT_ONCE = 16;

/** How far the change reaches among some objects; `failed` is told of those that cannot be decided about, and may throw. */
export async function reachOf(
  deps: MoveDeps,
  { present, next }: { readonly present: Deciding; readonly next: Deciding },
  digests: readonly Digest[],
  at: EpochMs,
  failed: (row: string, error: unknown) => void,
): Promise<PolicyReach> {
  const [before, after] = [decidedBy(present, at), decidedBy(next, at)];
  const nextRates = await ratesBy(deps, next.settings.priceBook);
  const diff = new PolicyDiff(before.policy, after.policy, deps.rates, nextRates);
  const looked: { readonly facts: TierFacts; readonly old: TierFacts }[][] = digests.map(() => []);
  await eachOf([...digests.entries()], BLOBS_AT_ONCE, async ([index, digest]) => {
    const same = { ...deps, catalog: readOnce(deps.catalog) };
    const wanted = { ...same, rates: nextRates };
    try {
      // Each policy has facts of its own: what may be packed or deleted, what is remembered of reads.
      const [old, explained] = [await explainBlob(same, digest, before), await explainBlob(wanted, digest, after)];
      if (old !== undefined && explained !== undefined) looked[index] = [{ facts: explained.facts, old: old.facts }];
    } catch (error) {
      failed(`BLOB#${digest}`, error);
    }
  });
  for (const { facts, old } of looked.flat()) diff.add(facts, at, old);
  const { objects, changed, caught, examples } = diff.summary();
  return addReach(NO_REACH, { objects, changed, caught, examples: examples.map(({ digest }) => digest) });
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
