import type { PlaceModel } from '../../events/place-model/v1.ts';
import { HOST_SHARDS, HostRow, sendOnce } from '../catalog/index.ts';
import type { HostId } from '../shared/ids.ts';
import { SECOND_MS } from '../shared/units.ts';
import { type PlacementDeps, type PlacementReason, placeOnHost } from './placeOnHost.ts';

/** Hosts of one shard that one message decides on. */
const HOSTS_PER_MESSAGE = 10;

/** A page of hosts takes seconds; the shards that the time does not suffice for get messages of their own. */
const RESERVE_MS = 30 * SECOND_MS;

/**
 * Decides which hosts should hold a published version. The first message takes the first page of every shard of hosts; what is
 * left, of a shard or of the call's time, goes on shard by shard in messages of its own.
 */
export async function placeModel(
  deps: PlacementDeps,
  message: PlaceModel,
  remainingMs: () => number,
): Promise<readonly PlacementReason[]> {
  if (message.host !== undefined) return placeOnHosts(deps, message, [message.host]);
  if (message.from !== undefined) return placePage(deps, message, message.from.shard, message.from.cursor);
  const reasons: PlacementReason[] = [];
  for (let shard = 0; shard < HOST_SHARDS; shard += 1) {
    if (remainingMs() < RESERVE_MS) await handOn(deps, message, { shard });
    else reasons.push(...(await placePage(deps, message, shard, undefined)));
  }
  return reasons;
}

async function placePage(
  deps: PlacementDeps,
  message: PlaceModel,
  shard: number,
  from: string | undefined,
): Promise<readonly PlacementReason[]> {
  const page = await deps.catalog.queryIndex('listing', {
    partition: `HOSTS#${shard}`,
    limit: HOSTS_PER_MESSAGE,
    ...(from === undefined ? {} : { cursor: from }),
  });
  const hosts = page.items.map((item) => HostRow.parse(item).value.id);
  const reasons = await placeOnHosts(deps, message, hosts);
  const { cursor } = page;
  if (cursor !== undefined) {
    await handOn(deps, message, { shard, cursor });
  }
  return reasons;
}

async function handOn(deps: PlacementDeps, message: PlaceModel, from: NonNullable<PlaceModel['from']>): Promise<void> {
  const id = [message.model, message.version, message.correlationId, from.shard, from.cursor].join(' ');
  await sendOnce(deps, { scope: 'place-model', id }, { queue: 'placement', body: { ...message, from } });
}

async function placeOnHosts(
  deps: PlacementDeps,
  message: PlaceModel,
  hosts: readonly HostId[],
): Promise<readonly PlacementReason[]> {
  const reasons: PlacementReason[] = [];
  for (const host of hosts) {
    const { model, version, correlationId, attempt = 1 } = message;
    reasons.push(...(await placeOnHost(deps, { model, version, correlationId, host, attempt })));
  }
  return reasons;
}
