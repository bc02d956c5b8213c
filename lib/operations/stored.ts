import { BlobRow, listModels, UPLOAD_SHARDS, UploadRow } from '../catalog/index.ts';
import { type CopyKind, loadStored, retiredVersions, type StoredObject, storedUpload } from '../costs/index.ts';
import type { Rates } from '../placement/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { type PagedPartition, pageOver, SWEPT } from './pages.ts';
import { ratesInForce } from './tiers.ts';

type UploadKind = Extract<CopyKind, 'arriving' | 'uploaded' | 'refused'>;

/** Uploads whose bytes are still in the bucket: the index holds them for their deletion. */
const UPLOADS = (
  [
    ['UPLOAD', 'arriving'],
    ['READY', 'uploaded'],
    ['REFUSED', 'refused'],
  ] as const
).flatMap(([state, kind]) =>
  Array.from({ length: UPLOAD_SHARDS }, (_, shard) => ({ kind, partition: `DUE#${state}#${shard}` })),
);
const PLACES: readonly PagedPartition[] = [
  ...SWEPT,
  ...UPLOADS.map(({ partition }) => ({ index: 'due' as const, partition })),
];
const READ_AT_ONCE = 8;

/** A page of everything that is stored, with its dollars: blobs first, then uploads. Throws `PricingError`. */
export async function listStored(
  deps: PricesDeps,
  { limit, nextToken }: OperationInput<'listStored'>,
): Promise<OperationOutput<'listStored'>> {
  const { catalog, clock } = deps;
  const page = await pageOver(catalog, PLACES, limit, nextToken);
  const kind = UPLOADS[page.partition - SWEPT.length]?.kind;
  const items = await storedOf(catalog, page.items, kind, await ratesInForce(deps), clock.now());
  return { items, ...(page.nextToken === undefined ? {} : { nextToken: page.nextToken }) };
}

async function storedOf(
  catalog: CatalogStore,
  rows: readonly Item[],
  kind: UploadKind | undefined,
  rates: Rates,
  now: EpochMs,
): Promise<StoredObject[]> {
  if (kind !== undefined) return rows.map((row) => storedUpload(UploadRow.parse(row).value, kind, rates, now));
  const stored: StoredObject[] = [];
  await eachOf(rows, READ_AT_ONCE, async (row) => {
    stored.push(await loadStored({ catalog, rates }, BlobRow.parse(row).value, now));
  });
  return stored;
}

/** The versions of a page of models that nobody seems to need. Throws `PricingError`. */
export async function listRetired(
  deps: PricesDeps,
  { limit, nextToken }: OperationInput<'listRetired'>,
): Promise<OperationOutput<'listRetired'>> {
  const { catalog, clock } = deps;
  const rates = await ratesInForce(deps);
  const { models, cursor } = await listModels(catalog, limit, nextToken);
  const items: OperationOutput<'listRetired'>['items'] = [];
  for (const model of models) items.push(...(await retiredVersions({ catalog, clock, rates }, model)));
  return { items, ...(cursor === undefined ? {} : { nextToken: cursor }) };
}
