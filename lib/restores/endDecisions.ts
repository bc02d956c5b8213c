import { type Action, ActionRow, expectationOf, type Restore } from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';

/** The writes that end what was decided for a restore and has not ended yet; they belong to the write that forgets its row. */
export async function endDecisions(
  catalog: CatalogStore,
  { actionId, faster }: Restore,
  { state, ...outcome }: Pick<Action, 'state'> & NonNullable<Action['outcome']>,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const id of faster === undefined ? [actionId] : [actionId, faster.actionId]) {
    const action = await ActionRow.get(catalog, id);
    if (action?.value.state !== 'pending') continue;
    changes.push(ActionRow.put({ ...action.value, state, outcome }, expectationOf(action)));
  }
  return changes;
}
