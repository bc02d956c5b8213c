import type { PlaceModel } from '../../events/place-model/v1.ts';
import type { CorrelationId, Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { ReferenceRow } from './rows/blob.ts';
import { type Version, VersionRow } from './rows/model.ts';
import { queryAll, startingWith } from './rowType.ts';
import { sendOnce } from './sendOnce.ts';

/** Of the versions that need a blob, the newest so many; none where that are too many to look at each. */
const MOST_VERSIONS = 3;
const MOST_REFERENCES = 100;

/**
 * Has it decided once more which hosts hold the newest versions that need a blob, each version once for a `scope` and `id`; answers how many were asked for.
 * Hosts that hold or fill it are told nothing, those without room as little as before.
 */
export async function placeNewest(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock },
  { correlationId, id, scope }: { readonly scope: string; readonly id: string; readonly correlationId: CorrelationId },
  digest: Digest,
): Promise<number> {
  const items = await queryAll(deps.catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  if (items.length > MOST_REFERENCES) return 0;
  const versions: Version[] = [];
  for (const item of items) {
    const { model, version } = ReferenceRow.parse(item).value;
    const row = await VersionRow.get(deps.catalog, model, version);
    if (row !== undefined && !row.value.deprecated) versions.push(row.value);
  }
  const newest = versions.sort((one, other) => other.publishedAt - one.publishedAt).slice(0, MOST_VERSIONS);
  let asked = 0;
  for (const { model, version } of newest) {
    const body: PlaceModel = { schema: 'place-model/1', model, version, correlationId };
    const link = { scope, id: `${id} ${model}@${version}` };
    if (await sendOnce(deps, link, { queue: 'placement', body })) asked += 1;
  }
  return asked;
}
