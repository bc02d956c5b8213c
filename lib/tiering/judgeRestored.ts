import type { Blob } from '../catalog/index.ts';
import type { Rates } from '../placement/index.ts';
import type { JudgedBlob } from '../restores/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { loadTierFacts } from './loadTierFacts.ts';
import { inForce } from './policyInForce.ts';
import { packSettings, policyOf, type SweepSettings } from './sweepSettings.ts';

/** What decides where restored bytes go: the policy in force while sweeps are on, with what it knows of the blob. */
export async function judgeRestored(
  { catalog, settings }: { readonly catalog: CatalogStore; readonly settings: SweepSettings },
  blob: Blob,
  rates: Rates,
  now: EpochMs,
): Promise<JudgedBlob> {
  const present = await inForce(catalog, settings);
  const policy = policyOf(present, present.tierPolicy);
  const judging = { policy, packs: { ...packSettings(present), mode: 'off' as const } };
  // Whoever holds it where it lies waits for it: a restore moves it all the same.
  const { facts } = await loadTierFacts(catalog, blob, [], judging, rates, now);
  return { facts, policy: settings.tierSweep === 'on' ? policy : undefined };
}
