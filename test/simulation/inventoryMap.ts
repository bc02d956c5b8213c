import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import type { InventorySweepInput, InventorySweeps } from '../../lib/tiering/index.ts';
import type { Faults } from './faults.ts';
import type { Counters } from './invariants.ts';
import type { Rng } from './rng.ts';
import type { Scheduler } from './scheduler.ts';

export interface InventoryMapOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly rng: Rng;
  readonly bucket: Pick<ObjectStore, 'listVersions'>;
  /** Calls the function of the map; rejects where the call dies or answers an error. */
  readonly call: (event: object) => Promise<unknown>;
}

const MOST_TRIES = 6;
const MOST_ROWS = 6;

/** What Step Functions and S3 do for a sweep over the inventory: a list that is old by the time it is read, and a call for each batch of it. */
export interface InventoryMap extends InventorySweeps {
  /** Executions that have not ended. */
  readonly running: () => number;
  /** Whether the end of a sweep was told to the plane. */
  readonly hasEnded: (sweepId: string) => boolean;
}

export function createInventoryMap(options: InventoryMapOptions): InventoryMap {
  const { scheduler, faults, counters, rng, bucket } = options;
  const life = scheduler.incarnation('inventory map');
  const [started, ended] = [new Set<string>(), new Set<string>()];
  let running = 0;

  /** Whether it ended well. */
  async function batch(event: object): Promise<boolean> {
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      try {
        await options.call(event);
        counters.count('inventory batch: done');
        return true;
      } catch {
        counters.count('inventory batch: failed');
        await scheduler.sleep(life, rng.below(20 * SECOND_MS));
      }
    }
    counters.count('inventory batch: given up');
    return false;
  }

  async function execute(input: InventorySweepInput): Promise<void> {
    const { versions } = await bucket.listVersions({ prefix: 'blobs/', limit: 1000 });
    const rows = versions
      .filter(({ isLatest, isDeleteMarker }) => isLatest && !isDeleteMarker)
      .map(({ key, lastModified, size }) => ({
        Bucket: 'strata',
        Key: encodeURIComponent(key),
        Size: String(size),
        LastModifiedDate: new Date(lastModified).toISOString(),
      }));
    await scheduler.sleep(life, rng.below(3 * MINUTE_MS));
    const batches: Promise<boolean>[] = [];
    while (rows.length > 0) {
      const event = { BatchInput: input, Items: rows.splice(0, 1 + rng.below(MOST_ROWS)) };
      batches.push(batch(event));
      // One that has timed out is begun again although it goes on.
      if (faults.happens('duplicate-delivery') || (faults.enabled && rng.chance(0.3))) batches.push(batch(event));
    }
    const done = await Promise.all(batches);
    // A few are tolerated; more are redriven some time, and else nothing moves.
    if (done.includes(false) && rng.chance(0.5)) return counters.count('inventory: too many batches have failed');
    // Or somebody has stopped it: only the next sweep tells of what its batches have seen.
    if (faults.enabled && rng.chance(0.1)) return counters.count('inventory: stopped');
    const end = { EndOf: input };
    const told = await Promise.all(faults.happens('duplicate-delivery') ? [batch(end), batch(end)] : [batch(end)]);
    if (told.includes(true)) ended.add(input.sweepId);
  }

  return {
    running: () => running,
    hasEnded: (sweepId) => ended.has(sweepId),
    async start(name, input) {
      if (started.has(name)) return;
      started.add(name);
      running += 1;
      counters.count('sweep over the inventory');
      scheduler.spawn(life, async () => {
        await execute(input);
        running -= 1;
      });
    },
  };
}
