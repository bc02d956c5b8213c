import { SWEEP_SHARDS } from '../catalog/index.ts';
import type { CatalogStore, IndexName, Item } from '../shared/ports/catalogStore.ts';
import { OperationsError } from './errors.ts';

/** One of several partitions that are read one after the other. */
export interface PagedPartition {
  readonly index: IndexName;
  readonly partition: string;
}

/** The blobs, shard by shard. */
export const SWEPT: readonly PagedPartition[] = Array.from({ length: SWEEP_SHARDS }, (_, shard) => ({
  index: 'listing',
  partition: `SWEEP#${shard}`,
}));

export interface PartitionPage {
  readonly items: readonly Item[];
  /** That the items are of: its place among the partitions. */
  readonly partition: number;
  readonly nextToken?: string;
}

/**
 * A page of partitions that are one list to whoever asks: the token is a partition and a place in it. A page may be empty and not the
 * last. Throws `OperationsError` `invalid-input` for a token that was never answered.
 */
export async function pageOver(
  catalog: CatalogStore,
  partitions: readonly PagedPartition[],
  limit: number,
  nextToken: string | undefined,
): Promise<PartitionPage> {
  const [number = '0', cursor = ''] = (nextToken ?? '0').split(' ');
  const place = Number(number);
  const from = partitions[place];
  if (from === undefined) {
    throw new OperationsError({
      code: 'invalid-input',
      message: 'The token is none that this operation answered. Begin anew without one.',
      retryable: false,
    });
  }
  const wish = { partition: from.partition, limit, ...(cursor === '' ? {} : { cursor }) };
  const { items, cursor: more } = await catalog.queryIndex(from.index, wish);
  const next = more === undefined ? `${place + 1}` : `${place} ${more}`;
  return {
    items,
    partition: place,
    ...(more === undefined && place + 1 === partitions.length ? {} : { nextToken: next }),
  };
}
