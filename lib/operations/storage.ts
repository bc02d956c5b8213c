import { BlobRow, ServiceLevelRow, type ServiceLevelTerms, type VersionFile } from '../catalog/index.ts';
import { bucketCost, loadStored } from '../costs/index.ts';
import { describePolicy, DOLLARS, predictReads, type Rates, type TierPolicy } from '../placement/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import { Usd } from '../shared/units.ts';
import {
  type Configured,
  explainBlob,
  judgingNow,
  type PackSettings,
  packSettings,
  policyOf,
} from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { requireResolved } from './showModel.ts';
import { ratesInForce } from './tiers.ts';
import type { StorageView } from './lifecycleViews.ts';

interface StorageDeps extends PricesDeps {
  /** What sweeps are configured with, where the caller is the plane itself. */
  readonly configured?: Configured | undefined;
}

/** How each file of a version is stored, and what that is estimated to cost. Throws `CatalogError`, `PricingError`. */
export async function showStorage(
  deps: StorageDeps,
  { reference, policy }: OperationInput<'showStorage'>,
): Promise<OperationOutput<'showStorage'>> {
  const { files, hold, model, retainUntil, version } = await requireResolved(deps.catalog, reference);
  const { basis, since, sweep, ...judging } = await judgingNow(deps.catalog, deps.configured, policy);
  const decides = policyOf(judging.settings, judging.policy);
  const packs = packSettings(judging.settings);
  const level = await ServiceLevelRow.get(deps.catalog, model);
  const rates = await ratesInForce(deps);
  const items: StorageView[] = [];
  for (const file of files) {
    const stored = await storageOf(deps, file, { policy: decides, packs }, rates);
    if (stored === undefined) continue;
    items.push({
      model,
      version,
      file: file.file,
      policy: {
        name: judging.policy,
        version: decides.version,
        rules: [...describePolicy(decides)],
        basis,
        ...(since === undefined ? {} : { since }),
        ...(sweep === undefined || basis === 'asked' ? {} : { sweep }),
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
  { catalog, clock }: StorageDeps,
  { digest }: VersionFile,
  { policy, packs }: { readonly policy: TierPolicy; readonly packs: PackSettings },
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
