import { BlobRow, SWEEP_SHARDS } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';

/** `messages`: pages of rows, each shard a chain of messages. `inventory`: a distributed map over the bucket's inventory. */
export type SweepPath = 'messages' | 'inventory';

export interface SweepPathDecision {
  readonly path: SweepPath;
  readonly reason: 'few-blobs' | 'many-blobs' | 'no-inventory';
  readonly blobs: number;
}

/**
 * The one place that says how a sweep goes over the blobs. A chain is simpler and needs nothing but queues; 16 of them decide about
 * a few hundred blobs a second, which takes too long beyond some ten million.
 */
export function decideSweepPath(facts: {
  /** About how many there are. */
  readonly blobs: number;
  /** Whether this deployment has an inventory to sweep over. */
  readonly inventory: boolean;
  /** From so many blobs on. */
  readonly inventoryFromBlobs: number;
}): SweepPathDecision {
  const { blobs } = facts;
  if (blobs < facts.inventoryFromBlobs) return { path: 'messages', reason: 'few-blobs', blobs };
  if (!facts.inventory) return { path: 'messages', reason: 'no-inventory', blobs };
  return { path: 'inventory', reason: 'many-blobs', blobs };
}

const SAMPLE = 100;
/** So many hex digits of a digest fit a double exactly. */
const DIGITS = 13;

/**
 * About how many blobs the catalog has, from the first hundred of one shard: digests are uniform, so the place of the k-th smallest of n
 * is about k/n. Exact up to 100 a shard; beyond, off by a tenth on average (the k-th of n uniform values has a relative error of 1/√k).
 */
export async function estimateBlobs(catalog: CatalogStore): Promise<number> {
  const page = await catalog.queryIndex('listing', { partition: 'SWEEP#0', limit: SAMPLE });
  const last = page.items.at(-1);
  if (page.cursor === undefined || last === undefined) return page.items.length * SWEEP_SHARDS;
  const { digest } = BlobRow.parse(last).value;
  const place = Number.parseInt(digest.slice(0, DIGITS), 16) / 16 ** DIGITS;
  return Math.round(((page.items.length - 1) / place) * SWEEP_SHARDS);
}
