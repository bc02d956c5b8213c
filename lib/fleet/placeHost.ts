import type { PlaceHost } from '../../events/place-host/v1.ts';
import { HostRow, ModelRow, sendOnce } from '../catalog/index.ts';
import { subscribes } from '../placement/index.ts';
import { type PlacementDeps, type PlacementReason, placeOnHost } from './placeOnHost.ts';

const MODELS_PER_MESSAGE = 50;

/**
 * Decides what one host should hold: the newest version of every model that it subscribes to, a page of models a message.
 * A host of another generation than the message's has a message of its own.
 */
export async function placeHost(
  deps: PlacementDeps,
  message: PlaceHost,
): Promise<readonly (PlacementReason | 'stale-generation')[]> {
  const host = await HostRow.get(deps.catalog, message.host);
  if (host === undefined) return ['unknown-host'];
  if (host.value.generation !== message.generation) return ['stale-generation'];
  const page = await deps.catalog.queryIndex('listing', {
    partition: 'MODELS',
    limit: MODELS_PER_MESSAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  const reasons: PlacementReason[] = [];
  for (const item of page.items) {
    const { name, newest } = ModelRow.parse(item).value;
    if (!host.value.subscriptions.some((pattern) => subscribes(pattern, name))) continue;
    const { correlationId } = message;
    reasons.push(
      ...(await placeOnHost(deps, { model: name, version: newest, host: message.host, correlationId, attempt: 1 })),
    );
  }
  if (page.cursor !== undefined) {
    const id = [message.host, message.generation, message.correlationId, page.cursor].join(' ');
    const body = { ...message, cursor: page.cursor };
    await sendOnce(deps, { scope: 'place-host', id }, { queue: 'placement', body });
  }
  return reasons;
}
