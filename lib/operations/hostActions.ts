import * as z from 'zod/mini';
import { ActionRow } from '../catalog/index.ts';
import { ActionId, HostId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { ActionView } from './views.ts';

export const ActionsInput = z.strictObject({ actionIds: z.array(ActionId).check(z.maxLength(100)) });
export const HostActionsInput = z.strictObject({ host: HostId });

/** As many as are shown of a host. */
const ACTIONS_PER_HOST = 20;

/** Of those that are known, how they stand now: read by their keys, so that an end is seen as soon as it is written. */
export async function showActions(
  catalog: CatalogStore,
  { actionIds }: z.infer<typeof ActionsInput>,
): Promise<ActionView[]> {
  const rows = await Promise.all(actionIds.map((actionId) => ActionRow.get(catalog, actionId)));
  return rows.flatMap((row) => (row === undefined ? [] : [row.value]));
}

/** The newest commands to a host as a whole. Those about a blob are listed with the blob (`explain`). */
export async function listHostActions(
  catalog: CatalogStore,
  { host }: z.infer<typeof HostActionsInput>,
): Promise<ActionView[]> {
  const { items } = await catalog.queryIndex('listing', {
    partition: `ACTIONS#HOST#${host}`,
    limit: ACTIONS_PER_HOST,
    descending: true,
  });
  return items.map((item) => ActionRow.parse(item).value);
}
