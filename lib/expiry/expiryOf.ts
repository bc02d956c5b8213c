import type { Version } from '../catalog/index.ts';
import type { Expiry, Rates } from '../placement/index.ts';
import type { LifecycleRules } from '../shared/tierSettings.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { decideExpiry, type ExpiryDecision, type ExpiryFacts } from './decideExpiry.ts';
import { loadExpiryFacts } from './loadExpiryFacts.ts';

/** Who needs a blob: a published version, or a deleted one whose bytes are not purged yet. */
export interface Needer {
  readonly version: Version | undefined;
  readonly deleted: boolean;
}

export interface BlobExpiry {
  readonly expiry: Expiry;
  /** The version that would be deleted. */
  readonly of?: { readonly facts: ExpiryFacts; readonly decision: Extract<ExpiryDecision, { action: 'expire' }> };
}

/** Whether the policy may delete the one version that needs a blob. `needers` is undefined where they are too many to look at. */
export async function expiryOf(
  store: CatalogStore,
  needers: readonly Needer[] | undefined,
  rules: LifecycleRules,
  rates: Rates,
  now: EpochMs,
): Promise<BlobExpiry> {
  if (needers === undefined) return { expiry: 'shared' };
  if (needers.length === 0) return { expiry: 'unreferenced' };
  if (needers.every(({ deleted }) => deleted)) return { expiry: 'deleted' };
  const [one, ...others] = needers;
  if (one?.version === undefined || others.length > 0) return { expiry: 'shared' };
  const facts = await loadExpiryFacts(store, one.version, now);
  const decision = decideExpiry(facts, rules, rates, now);
  return decision.action === 'keep' ? { expiry: decision.reason } : { expiry: 'expires', of: { facts, decision } };
}
