import { addCounts } from '../../lib/accesses/index.ts';
import { AccessMonthRow, BlobRow, expectationOf, settle } from '../../lib/catalog/index.ts';
import type { Rates } from '../../lib/placement/index.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import type { Stage } from './stage.ts';

/** No host of a run reports under it. */
const SHARD = 7;

/** Somebody uses a blob now, and it counts at once: large ones fit on no host that would tell of it. */
export async function countRead(
  { catalog, scheduler }: Pick<Stage, 'catalog' | 'scheduler'>,
  digest: Digest,
): Promise<void> {
  const lastAt = EpochMs.parse(scheduler.now);
  const day = new Date(lastAt).toISOString();
  const month = day.slice(0, 7);
  const days = { [day.slice(8, 10)]: 1 };
  const count = { digest, month, days, misses: days, hits: 0, lastAt, lastMissAt: lastAt };
  await settle(catalog, `A read of ${digest}`, async () => {
    if ((await BlobRow.get(catalog, digest)) === undefined) return { changes: [], answer: undefined };
    const row = await AccessMonthRow.get(catalog, digest, month, SHARD);
    const put = AccessMonthRow.put(addCounts(row?.value, count, SHARD), expectationOf(row));
    return { changes: [put], answer: undefined };
  });
}

/** Where an object is read from: a storage class, and whether it lies there packed. */
export type ReadFrom = ReturnType<Rates['of']> & { readonly packed?: boolean };

/** Whether reads from there are slower, or as fast and dearer. What lies packed is unpacked before anybody reads it. */
export function readsWorse(before: ReadFrom, after: ReadFrom): boolean {
  const wait = ({ instant, restores }: ReadFrom) => (instant ? 0 : Math.min(...restores.map(({ waitMs }) => waitMs)));
  if (wait(after) !== wait(before)) return wait(after) > wait(before);
  const isPacked = ({ packed = false }: ReadFrom) => packed;
  if (isPacked(after) !== isPacked(before)) return isPacked(after);
  return after.retrievalUsdPerByte > before.retrievalUsdPerByte;
}
