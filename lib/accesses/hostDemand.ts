import { HOST_SHARDS, HostRow, listVersions, ServiceLevelRow, type Version } from '../catalog/index.ts';
import {
  type DemandForecast,
  DOLLARS,
  forecastFrom,
  knownRate,
  rememberReads,
  subscribes,
} from '../placement/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { type EpochMs, MINUTE_MS } from '../shared/units.ts';
import { loadAccesses } from './countAccesses.ts';

/** How often one of the hosts that subscribe to the version's model will want it; undefined where nobody knows. */
export type HostDemand = (version: Version, now: EpochMs) => Promise<DemandForecast | undefined>;

/** So many versions before it are asked how often they were used, when a new one was not yet. */
const PREDECESSORS = 3;
const REMEMBERED_MS = 10 * MINUTE_MS;
const HOSTS_PER_PAGE = 1000;

/**
 * What an operator has said of the model's reads counts first, then what the version's accesses tell, then those of the versions before
 * it; all of it shared evenly among the hosts that subscribe, which are counted every ten minutes at most.
 */
export function createHostDemand({
  catalog,
  clock,
}: {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}): HostDemand {
  let roster: { readonly at: number; readonly subscriptions: Promise<readonly (readonly string[])[]> } | undefined;

  async function subscribers({ model }: Version): Promise<number> {
    const now = clock.now();
    if (roster === undefined || Math.abs(now - roster.at) > REMEMBERED_MS) {
      roster = { at: now, subscriptions: activeSubscriptions(catalog) };
    }
    const counted = roster;
    const all = await counted.subscriptions.catch((error: unknown) => {
      if (roster === counted) roster = undefined;
      throw error;
    });
    return all.filter((patterns) => patterns.some((pattern) => subscribes(pattern, model))).length;
  }

  return async (version, now) => {
    const hosts = Math.max(1, await subscribers(version));
    const level = await ServiceLevelRow.get(catalog, version.model);
    if (level?.value.readsPerDay !== undefined) return knownRate(level.value.readsPerDay / hosts);
    const versions = await listVersions(catalog, version.model);
    const others = versions.filter((one) => one.version !== version.version).slice(0, PREDECESSORS);
    for (const one of [version, ...others]) {
      const learned = await learnedDemand(catalog, one, hosts, now);
      if (learned !== undefined) return learned;
    }
    return undefined;
  };
}

/** The patterns of every active host. */
async function activeSubscriptions(catalog: CatalogStore): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = [];
  for (let shard = 0; shard < HOST_SHARDS; shard += 1) {
    let cursor: string | undefined;
    do {
      const place = cursor === undefined ? {} : { cursor };
      const page = await catalog.queryIndex('listing', {
        partition: `HOSTS#${shard}`,
        limit: HOSTS_PER_PAGE,
        ...place,
      });
      for (const item of page.items) {
        const { state, subscriptions } = HostRow.parse(item).value;
        if (state === 'active') all.push(subscriptions);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return all;
}

/** By the version's most used file: the others come with it. The rate of one host is a part of the fleet's. */
async function learnedDemand(
  catalog: CatalogStore,
  { files, publishedAt }: Version,
  hosts: number,
  now: EpochMs,
): Promise<DemandForecast | undefined> {
  const digests = new Set(files.map((file) => file.digest));
  const used = await Promise.all([...digests].map((digest) => loadAccesses(catalog, digest, now)));
  const busiest = used.toSorted((one, other) => sumOf(other.days) - sumOf(one.days))[0];
  if (busiest === undefined || busiest.days.length === 0) return undefined;
  const memory = rememberReads(publishedAt, busiest.days, now, DOLLARS.prior);
  const { components } = forecastFrom(memory, DOLLARS.prior);
  return { components: components.map((one) => ({ ...one, exposureMs: one.exposureMs * hosts })) };
}

const sumOf = (days: readonly { readonly reads: number }[]): number => days.reduce((sum, { reads }) => sum + reads, 0);
