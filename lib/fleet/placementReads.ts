import { EvictionRow, type Host, type Replica, ReplicaRow, type Version, type Versioned } from '../catalog/index.ts';
import { type DemandForecast, type PlacementAction, type PlacementPolicy, subscribes } from '../placement/index.ts';
import { type Digest, type HostId, hostLocation } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { isPaused } from './decidePause.ts';
import type { ServableVersion } from './servable.ts';

/** How often a host that subscribes to the version's model will want it; asked by the dollar policy alone. */
export type DemandOf = (version: Version, now: EpochMs) => Promise<DemandForecast | undefined>;

/** A host wants only what it subscribes to, however little it would cost. */
export async function demandOn(
  { demandOf, policy }: { readonly demandOf: DemandOf; readonly policy: PlacementPolicy },
  host: Host,
  { version }: ServableVersion,
  now: EpochMs,
): Promise<DemandForecast | undefined> {
  const wanted = host.subscriptions.some((pattern) => subscribes(pattern, version.model));
  return policy.kind === 'dollars' && wanted ? demandOf(version, now) : undefined;
}

/** Of what is about to be fetched for savings. What was promised comes whatever its host has let go of. */
export async function loadPaused(
  catalog: CatalogStore,
  host: Host,
  actions: readonly PlacementAction[],
  now: EpochMs,
): Promise<ReadonlySet<Digest>> {
  const paused = new Set<Digest>();
  for (const { digest, reason } of actions) {
    const eviction = reason === 'expected-saving' ? await EvictionRow.get(catalog, host.id, digest) : undefined;
    if (eviction !== undefined && isPaused(eviction.value, host, now)) paused.add(digest);
  }
  return paused;
}

/** The host's copies of a version's blobs, by blob. */
export async function loadReplicas(
  store: CatalogStore,
  servable: ServableVersion,
  host: HostId,
): Promise<ReadonlyMap<Digest, Versioned<Replica>>> {
  const replicas = new Map<Digest, Versioned<Replica>>();
  for (const digest of servable.blobs.keys()) {
    const row = await ReplicaRow.get(store, digest, hostLocation('nvme', host));
    if (row !== undefined) replicas.set(digest, row);
  }
  return replicas;
}
