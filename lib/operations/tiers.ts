import { BlobRow, settle, SWEEP_SHARDS } from '../catalog/index.ts';
import { compileRates, explainTier, type Rates } from '../placement/index.ts';
import { shippedPriceBook } from '../pricing/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { decideMove, explainBlob, TIER_POLICIES } from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { OperationsError } from './errors.ts';
import { requireResolved } from './showModel.ts';

interface TierOperationDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

let compiled: Rates | undefined;
/** Compiled when first needed: the prices ship with the release. */
const rates = (): Rates => (compiled ??= compileRates(shippedPriceBook()));

/** Why the files of a version lie in their storage classes, a text a file. Throws `CatalogError`. */
export async function explainTiers(
  { catalog, clock }: TierOperationDeps,
  { reference, policy }: OperationInput<'explainTiers'>,
): Promise<OperationOutput<'explainTiers'>> {
  const { files } = await requireResolved(catalog, reference);
  const at = clock.now();
  const texts: string[] = [];
  for (const digest of new Set(files.map((file) => file.digest))) {
    const explained = await explainBlob({ catalog, clock, rates: rates() }, digest, TIER_POLICIES[policy], at);
    if (explained !== undefined) {
      texts.push(explainTier(explained.decision, explained.facts, TIER_POLICIES[policy], at));
    }
  }
  return { texts };
}

/** A page of what would move between storage classes now. The token is a shard and a place in it. */
export async function planTiers(
  deps: TierOperationDeps,
  { policy, limit, nextToken }: OperationInput<'planTiers'>,
): Promise<OperationOutput<'planTiers'>> {
  const [shard, cursor] = placeOf(nextToken);
  const page = await deps.catalog.queryIndex('listing', {
    partition: `SWEEP#${shard}`,
    limit,
    ...(cursor === '' ? {} : { cursor }),
  });
  const at = deps.clock.now();
  const items: OperationOutput<'planTiers'>['items'] = [];
  for (const item of page.items) {
    const { digest } = BlobRow.parse(item).value;
    const explained = await explainBlob({ ...deps, rates: rates() }, digest, TIER_POLICIES[policy], at);
    if (explained !== undefined) items.push({ facts: explained.facts, versionId: explained.versionId, at });
  }
  const next = page.cursor === undefined ? [shard + 1, ''] : [shard, page.cursor];
  return { items, ...(next[0] === SWEEP_SHARDS ? {} : { nextToken: next.join(' ') }) };
}

function placeOf(token: string | undefined): readonly [number, string] {
  const [shard = '0', cursor = ''] = (token ?? '0').split(' ');
  const number = Number(shard);
  if (Number.isInteger(number) && number >= 0 && number < SWEEP_SHARDS) return [number, cursor];
  throw new OperationsError({
    code: 'invalid-input',
    message: 'The token is none that this plan answered. Begin the plan anew.',
    retryable: false,
  });
}

/** Moves one blob as a plan has shown it, if that is still decided so, nothing is in its way, and the run's limits allow it. */
export async function applyTier(
  { catalog, clock }: TierOperationDeps,
  { digest, to, policy, runId, budgetUsd, mostMoves, dryRun }: OperationInput<'applyTier'>,
): Promise<OperationOutput<'applyTier'>> {
  const correlationId = CorrelationId.parse(`plan-${runId}`);
  const limits = { budgetUsd, mostMoves };
  const at = clock.now();
  const run = { id: runId, shard: 0, limits, policy: TIER_POLICIES[policy], at, correlationId, only: to };
  const reason = await settle(catalog, `Moving ${digest}`, async () => {
    const decided = await decideMove({ catalog, clock, rates: rates() }, run, digest);
    return dryRun ? { ...decided, changes: [] } : decided;
  });
  return { digest, reason };
}
