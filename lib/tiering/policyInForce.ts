import {
  expectationOf,
  type PolicyReach,
  settle,
  SWEEP_SHARDS,
  SweepSettingsRow,
  type TierPolicyInForce,
  TierPolicyRow,
} from '../catalog/index.ts';
import { isPresentVersion, PolicyDiff, type Rates, type TierFacts } from '../placement/index.ts';
import { keptBook } from '../priceBooks/index.ts';
import { bookName, combinePriceBooks } from '../pricing/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { EpochMs } from '../shared/units.ts';
import { addReach, decidePolicyChange, NO_REACH } from './decidePolicyChange.ts';
import { type Deciding, easedBy } from './deciding.ts';
import { TieringError } from './errors.ts';
import { explainBlob } from './judgeBlob.ts';
import { lookIdOf, lookMessages, partsOf, stoodMs } from './lookParts.ts';
import type { WholeRun } from './moveInRun.ts';
import type { MoveDeps } from './moveRun.ts';
import { readOnce } from '../shared/readOnce.ts';
import {
  packSettings,
  policyOf,
  type ScheduledRun,
  scheduledRun,
  type SweepDeps,
  type SweepSettings,
  tierSettings,
} from './sweepSettings.ts';

/**
 * What sweeps decide by: the policy in force, in dry runs the configured one. Undefined where nothing may decide: before the first policy, and
 * while the code of the policy in force is another one than was looked at.
 */
export async function inForce(catalog: CatalogStore, settings: SweepSettings): Promise<SweepSettings | undefined> {
  if (settings.tierSweep !== 'on') return settings;
  const row = (await TierPolicyRow.get(catalog))?.value;
  return row !== undefined && decides(row) ? notedOf(row, settings) : undefined;
}

/** Whether something is in force, and this release decides by it as was looked at. */
export function decides(row: TierPolicyInForce): row is TierPolicyInForce & { readonly inForce: TierPolicyName } {
  return row.inForce !== undefined && isPresentVersion(row.inForce, row.version);
}

function notedOf(row: TierPolicyInForce, settings: SweepSettings): SweepSettings {
  const { priceBook: _, ...rest } = settings;
  const tierPolicy = row.inForce ?? settings.tierPolicy;
  return { ...rest, ...easedBy(row.settings ?? rest, settings), tierPolicy };
}

/**
 * The run of a scheduled moment; undefined where nothing may decide. What learned moves may still lose was promised when they were made: they
 * are looked after, and come back, also while other code waits to be looked at.
 */
export async function runInForce(
  { catalog, settings }: Pick<SweepDeps, 'catalog' | 'settings'>,
  scheduled: ScheduledRun,
): Promise<WholeRun | undefined> {
  const present = await inForce(catalog, settings);
  if (present !== undefined) return scheduledRun(present, scheduled);
  const row = (await TierPolicyRow.get(catalog))?.value;
  if (row === undefined || !hasWork(row)) return undefined;
  return { ...scheduledRun(notedOf(row, settings), scheduled), returnsOnly: true };
}

/** Whether a sweep has anything to do by what is noted. */
export function hasWork(row: TierPolicyInForce): boolean {
  return decides(row) || row.inForce === 'dollars';
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
 * look begin, by the write that notes it. Answers what is noted from now on. A refusal is an error in the log and the metric `TierPolicyRefused`, which has an alarm.
 */
export async function reviewPolicy(
  { catalog, clock, telemetry }: Pick<MoveDeps, 'catalog' | 'clock'> & { readonly telemetry: Telemetry },
  wanted: Deciding,
  sweptAt: EpochMs,
): Promise<TierPolicyInForce> {
  const { reason, policy } = await settle(catalog, 'The policy of storage classes', async () => {
    const row = await TierPolicyRow.get(catalog);
    const parts = row === undefined ? [] : await partsOf(catalog, row.value);
    const found = parts.filter(({ endedAt }) => endedAt !== undefined).map(({ reach }) => reach);
    const isEmpty = row?.value.inForce === undefined && (await hasNoBlobs(catalog));
    const news = { wanted, sweptAt, found, stoodMs: stoodMs(parts, clock.now()), isEmpty };
    const decided = decidePolicyChange(row?.value, news);
    if (decided.policy === row?.value) return { changes: [], answer: decided };
    const lookId = lookIdOf(decided.policy);
    const before = row === undefined ? undefined : lookIdOf(row.value);
    const begun = lookId === undefined || lookId === before ? [] : lookMessages(lookId, clock.now());
    return { changes: [TierPolicyRow.put(decided.policy, expectationOf(row)), ...begun], answer: decided };
  });
  telemetry.info('tier policy', { reason, inForce: policy.inForce ?? 'nothing', wanted: wanted.policy });
  telemetry.metric('TierPolicyRefused', 'Count', reason === 'refused' ? 1 : 0);
  if (reason === 'refused') telemetry.error('tier-policy-refused', refusal(wanted, policy), {});
  return policy;
}

/** An index may lag: what was published in the last seconds is new, and no policy has ever seen it. */
async function hasNoBlobs(catalog: CatalogStore): Promise<boolean> {
  for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
    const { items } = await catalog.queryIndex('listing', { partition: `SWEEP#${shard}`, limit: 1 });
    if (items.length > 0) return false;
  }
  return true;
}

function refusal({ policy, settings }: Deciding, { inForce: present, refused }: TierPolicyInForce): TieringError {
  const { caught = 0, objects = 0, unknown = 0, unreadable = [] } = refused?.reach ?? {};
  const { version } = policyOf(settings, policy);
  const wanted = present === policy ? `${version} with what is new of it` : version;
  const blind =
    unknown === 0
      ? ''
      : ` ${unknown} rows could not be read (${unreadable.join(', ')} …), so that nobody knows what would become of them: repair them as the runbook says.`;
  return new TieringError({
    code: 'policy-refused',
    message:
      `By ${wanted}, ${caught} of ${objects} objects that are in use would become dearer or slower to read.${blind} ` +
      `${present === undefined ? 'Nothing is in force until then' : 'What is in force stays'}. See \`strata policy show\`; \`strata policy accept\` allows it.`,
    retryable: false,
  });
}

/** Blobs that are looked at side by side: each takes a handful of reads. */
const BLOBS_AT_ONCE = 16;

/**
 * How far the change reaches among some objects, from where they lie if nothing is in force; `failed` is told of those that cannot be decided
 * about, and may throw.
 */
export async function reachOf(
  deps: MoveDeps,
  { present, next }: { readonly present: Deciding | undefined; readonly next: Deciding },
  digests: readonly Digest[],
  at: EpochMs,
  failed: (row: string, error: unknown) => void,
): Promise<PolicyReach> {
  const after = decidedBy(next, at);
  const before = present && decidedBy(present, at);
  const nextRates = await ratesBy(deps, next.settings.priceBook);
  const diff = new PolicyDiff(before?.policy, after.policy, deps.rates, nextRates);
  const looked: { readonly facts: TierFacts; readonly old: TierFacts }[][] = digests.map(() => []);
  await eachOf([...digests.entries()], BLOBS_AT_ONCE, async ([index, digest]) => {
    const same = { ...deps, catalog: readOnce(deps.catalog) };
    const wanted = { ...same, rates: nextRates };
    try {
      // Each policy has facts of its own: what may be packed or deleted, what is remembered of reads.
      const explained = await explainBlob(wanted, digest, after);
      const old = before === undefined ? explained : await explainBlob(same, digest, before);
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
