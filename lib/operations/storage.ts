import { BlobRow, ServiceLevelRow, type ServiceLevelTerms, type VersionFile } from '../catalog/index.ts';
import { bucketCost, loadStored } from '../costs/index.ts';
import { describePolicy, DOLLARS, predictReads, type Rates, type TierPolicy } from '../placement/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import { Usd } from '../shared/units.ts';
import { DEFAULT_PACKING, explainBlob, type PackSettings, TIER_POLICIES } from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { requireResolved } from './showModel.ts';
import { ratesInForce } from './tiers.ts';
import type { StorageView } from './lifecycleViews.ts';

/** What sweeps do, where the caller knows it. */
export interface SweepsInForce {
  readonly tierSweep?: SweepMode | undefined;
  readonly tierPolicy?: TierPolicyName | undefined;
}

interface StorageDeps extends PricesDeps {
  readonly settings: PricesDeps['settings'] & SweepsInForce;
  readonly packs?: PackSettings | undefined;
}

/** What the plane does with classes unless its settings say otherwise. */
const DEFAULT_POLICY: TierPolicyName = 'rules';

/** How each file of a version is stored, and what that is estimated to cost. Throws `CatalogError`, `PricingError`. */
export async function showStorage(
  deps: StorageDeps,
  { reference, policy }: OperationInput<'showStorage'>,
): Promise<OperationOutput<'showStorage'>> {
  const { files, hold, model, retainUntil, version } = await requireResolved(deps.catalog, reference);
  const { tierPolicy, tierSweep } = deps.settings;
  const name = policy ?? tierPolicy ?? DEFAULT_POLICY;
  const inForce = TIER_POLICIES[name];
  const level = await ServiceLevelRow.get(deps.catalog, model);
  const rates = await ratesInForce(deps);
  const items: StorageView[] = [];
  for (const file of files) {
    const stored = await storageOf(deps, file, inForce, rates);
    if (stored === undefined) continue;
    items.push({
      model,
      version,
      file: file.file,
      policy: {
        name,
        version: inForce.version,
        rules: [...describePolicy(inForce)],
        ...(tierSweep === undefined || name !== tierPolicy ? {} : { sweep: tierSweep }),
      },
      ...(level === undefined ? {} : { serviceLevel: termsOf(level.value) }),
      ...(hold === undefined ? {} : { hold: hold.reason }),
      ...(retainUntil === undefined ? {} : { retainUntil }),
      ...stored,
    });
  }
  return { items };
}

function termsOf({ readsPerDay, restoreToleranceMs, waitingUsdPerHour }: ServiceLevelTerms): ServiceLevelTerms {
  return {
    ...(readsPerDay === undefined ? {} : { readsPerDay }),
    ...(restoreToleranceMs === undefined ? {} : { restoreToleranceMs }),
    ...(waitingUsdPerHour === undefined ? {} : { waitingUsdPerHour }),
  };
}

/** Undefined where the catalog has lost the blob. */
async function storageOf(
  { catalog, clock, packs = DEFAULT_PACKING }: StorageDeps,
  { digest }: VersionFile,
  policy: TierPolicy,
  rates: Rates,
): Promise<Pick<StorageView, 'digest' | 'primary' | 'next' | 'reads' | 'cost'> | undefined> {
  const now = clock.now();
  const deps = { catalog, clock, rates };
  const blob = await BlobRow.get(catalog, digest);
  const byDollars = await explainBlob(deps, digest, { policy: DOLLARS, packs, at: now });
  const decided = policy === DOLLARS ? byDollars : await explainBlob(deps, digest, { policy, packs, at: now });
  if (blob === undefined || byDollars === undefined || decided === undefined) return undefined;
  const { decision } = decided;
  const { origin, tier } = blob.value;
  const { billedSince, location, storageClass, versionId } = origin;
  const reads = predictReads(byDollars.facts, DOLLARS, now);
  const { copies } = await loadStored(deps, blob.value, now);
  const bytes = copies.find(({ kind }) => kind === 'origin')?.bytes ?? blob.value.size;
  const idleSince = Math.max(billedSince, byDollars.facts.bucketReads?.lastAt ?? 0);
  const place = { storageClass, bytes, billedSince, idleSince, reads: reads.next30Days };
  const { storageUsd, requestUsd, retrievalUsd, liabilityUsd } = bucketCost(place, deps.rates, now);
  const hosts = copies.filter(({ kind }) => kind === 'host').reduce((sum, copy) => sum + copy.storageUsd, 0);
  return {
    digest,
    primary: { location, versionId, bytes, storageClass, tier },
    next: {
      action: decision.action,
      reason: decision.reason,
      freeAt: decision.freeMoveAt,
      ...(decision.action === 'keep' ? {} : { to: decision.to }),
    },
    reads,
    cost: {
      storageUsd,
      requestUsd,
      retrievalUsd,
      hostUsd: Usd.parse(hosts),
      usdPerMonth: Usd.parse(storageUsd + requestUsd + retrievalUsd + hosts),
      liabilityUsd,
    },
  };
}
