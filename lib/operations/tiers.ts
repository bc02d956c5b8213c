import { BlobRow, ExpiryRunRow, settle } from '../catalog/index.ts';
import type { BlobExpiry } from '../expiry/index.ts';
import { explainTier, type Rates } from '../placement/index.ts';
import { type PricesDeps, ratesOf, readPrices } from '../priceBooks/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { EpochMs } from '../shared/units.ts';
import {
  type Configured,
  decideMove,
  type Deciding,
  explainBlob,
  judgingNow,
  packSettings,
  policyOf,
  shardOfPlan,
} from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { pageOver, SWEPT } from './pages.ts';
import { requireResolved } from './showModel.ts';
import type { ExpiryView } from './lifecycleViews.ts';

interface TierOperationDeps extends PricesDeps {
  /** What sweeps are configured with, where the caller is the plane itself. */
  readonly configured?: Configured | undefined;
}

/** Blobs of a page that are looked at side by side: each takes a handful of reads. */
const BLOBS_AT_ONCE = 16;

function decidedBy({ policy, settings }: Deciding, at: EpochMs) {
  return { policy: policyOf(settings, policy), packs: packSettings(settings), at };
}

export async function ratesInForce(deps: PricesDeps): Promise<Rates> {
  return ratesOf(deps, (await readPrices(deps)).prices);
}

/** Why the files of a version lie in their storage classes, a text a file. Throws `CatalogError`. */
export async function explainTiers(
  deps: TierOperationDeps,
  { reference, policy }: OperationInput<'explainTiers'>,
): Promise<OperationOutput<'explainTiers'>> {
  const { catalog, clock, configured } = deps;
  const { files } = await requireResolved(catalog, reference);
  const rates = await ratesInForce(deps);
  const at = clock.now();
  const judging = await judgingNow(catalog, configured, policy);
  const decided = decidedBy(judging, at);
  const texts: string[] = [];
  for (const digest of new Set(files.map((file) => file.digest))) {
    const explained = await explainBlob({ catalog, clock, rates }, digest, decided);
    if (explained !== undefined) {
      texts.push(explainTier(explained.decision, explained.facts, decided.policy, rates, at));
    }
  }
  return { judging, texts };
}

/** A page of what would move between storage classes now. */
export async function planTiers(
  deps: TierOperationDeps,
  { policy, settings, limit, nextToken, shard }: OperationInput<'planTiers'>,
): Promise<OperationOutput<'planTiers'>> {
  const partitions = shard === undefined ? SWEPT : SWEPT.slice(shard, shard + 1);
  const page = await pageOver(deps.catalog, partitions, limit, nextToken);
  const at = deps.clock.now();
  const rates = await ratesInForce(deps);
  const judging =
    settings === undefined ? await judgingNow(deps.catalog, deps.configured, policy) : { policy, settings };
  const decided = decidedBy(judging, at);
  const planned: OperationOutput<'planTiers'>['items'][] = page.items.map(() => []);
  await eachOf([...page.items.entries()], BLOBS_AT_ONCE, async ([index, item]) => {
    const { digest } = BlobRow.parse(item).value;
    const explained = await explainBlob({ ...deps, rates }, digest, decided);
    if (explained === undefined) return;
    const { expires, facts, versionId } = explained;
    // Once a version, with the first file that its delete frees.
    const named = expires?.facts.own[0]?.digest === digest ? { expires: expiryView(expires) } : {};
    planned[index] = [{ facts, versionId, at, ...named }];
  });
  return { items: planned.flat(), ...(page.nextToken === undefined ? {} : { nextToken: page.nextToken }) };
}

function expiryView({ facts, decision }: NonNullable<BlobExpiry['of']>): ExpiryView {
  const { bytes, earlyDeletionUsd, reason, risk, usdPerMonth } = decision;
  return { model: facts.model, version: facts.version, bytes, usdPerMonth, earlyDeletionUsd, reason, risk };
}

/** What sweeps have deleted by policy, newest first. */
export async function listExpiryRuns(
  { catalog }: Pick<PricesDeps, 'catalog'>,
  { limit }: OperationInput<'listExpiryRuns'>,
): Promise<OperationOutput<'listExpiryRuns'>> {
  const page = await catalog.queryIndex('listing', { partition: 'EXPIRYRUNS', limit, descending: true });
  return { items: page.items.map((item) => ExpiryRunRow.parse(item).value) };
}

/** Moves one blob as a plan has shown it, if that is still decided so, nothing is in its way, and the run's limits allow it. */
export async function applyTier(
  deps: Omit<TierOperationDeps, keyof PricesDeps> & Pick<PricesDeps, 'catalog' | 'clock'> & { readonly rates: Rates },
  { digest, to, action, policy, runId, budgetUsd, mostMoves, dryRun }: OperationInput<'applyTier'>,
): Promise<OperationOutput<'applyTier'>> {
  const { catalog, clock, configured, rates } = deps;
  const correlationId = CorrelationId.parse(`plan-${runId}`);
  const limits = { budgetUsd, mostMoves };
  const at = clock.now();
  const only = { action, to };
  const decided = decidedBy(await judgingNow(catalog, configured, policy), at);
  const shard = await shardOfPlan(catalog, runId, digest);
  const run = { id: runId, shard, limits, ...decided, correlationId, only };
  const reason = await settle(catalog, `Moving ${digest}`, async () => {
    const moved = await decideMove({ catalog, clock, rates }, run, digest);
    return dryRun ? { ...moved, changes: [] } : moved;
  });
  return { digest, reason };
}
