import { type Blob, ReplicaRow } from '../catalog/index.ts';
import type { Rates } from '../placement/index.ts';
import type { JudgedBlob } from '../restores/index.ts';
import { originLocation, type StorageClass } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { loadTierFacts } from './loadTierFacts.ts';
import { inForce } from './policyInForce.ts';
import { packSettings, policyOf, type SweepSettings } from './sweepSettings.ts';

/** What decides where restored bytes go: the policy in force while sweeps are on, if there is one, with what it knows of the blob. */
export async function judgeRestored(
  {
    catalog,
    settings,
  }: { readonly catalog: CatalogStore; readonly settings: SweepSettings & { readonly region: string } },
  blob: Blob,
  rates: Rates,
  now: EpochMs,
): Promise<JudgedBlob> {
  const present = settings.tierSweep === 'on' ? await inForce(catalog, settings) : undefined;
  const deciding = present ?? settings;
  const policy = policyOf(deciding, deciding.tierPolicy);
  const judging = { policy, packs: { ...packSettings(deciding), mode: 'off' as const } };
  // Whoever holds it where it lies waits for it: a restore moves it all the same.
  const { facts } = await loadTierFacts(catalog, blob, [], judging, rates, now);
  const occupied: StorageClass[] = [];
  for (const one of rates.classes.filter((name) => rates.of(name).instant)) {
    // The copy of an earlier transition, until it is deleted.
    const lies = await ReplicaRow.get(catalog, blob.digest, originLocation(settings.region, one));
    if (lies !== undefined) occupied.push(one);
  }
  return { facts, policy: present && policy, occupied };
}
