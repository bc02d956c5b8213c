import type { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import { AllowanceRow, BlobRow, expectationOf, RiskRow, sendOnce, settle, startingWith } from '../catalog/index.ts';
import { floorUsd, type Rates } from '../placement/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { DAY_MS, Usd } from '../shared/units.ts';
import { closed, forget } from './riskBook.ts';

/** After a longer pause between two sweeps, nobody knows what was stored meanwhile. */
const MOST_ACCRUED_MS = 7 * DAY_MS;
/** Of what is reserved, looked at by one message. */
const RISKS_PER_MESSAGE = 100;

/** Whether bytes that a sweep has seen count: only those that were there all the while that is accrued. */
export function storedAllAlong(since: number, sweptAt: number): boolean {
  return sweptAt - since >= MOST_ACCRUED_MS;
}

/**
 * Adds to a shard's account what Intelligent-Tiering would have charged at least for the bytes that a whole sweep has seen, since the sweep
 * before it: once a sweep, however often its end is delivered. What was reserved for blobs that were purged meanwhile counts as lost: a
 * page of it is settled, and a message sent that goes on with the next one.
 */
export async function accrueAllowance(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock; readonly rates: Rates },
  message: AccrueAllowance,
): Promise<void> {
  const { shard, sweptAt, cursor } = message;
  if (cursor === undefined) await grow(deps, message);
  const page = await deps.catalog.query({
    partition: `ALLOWANCE#${shard}`,
    ...startingWith('RISK#'),
    limit: RISKS_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  for (const item of page.items) await settleIfPurged(deps.catalog, shard, RiskRow.parse(item).value.digest);
  if (page.cursor === undefined) return;
  const link = { scope: 'settle-risks', id: [sweptAt, shard, page.cursor].join(' ') };
  await sendOnce(deps, link, { queue: 'sweep', body: { ...message, cursor: page.cursor } });
}

async function grow(
  { catalog, rates }: { readonly catalog: CatalogStore; readonly rates: Rates },
  { shard, sweptAt: at, bytes }: AccrueAllowance,
): Promise<void> {
  await settle(catalog, `Accruing ${shard}`, async () => {
    const row = await AllowanceRow.get(catalog, shard);
    const nothing = Usd.parse(0);
    const account = row?.value ?? {
      shard,
      shadowUsd: nothing,
      settledUsd: nothing,
      reservedUsd: nothing,
      accruedThrough: at,
    };
    if (row !== undefined && account.accruedThrough >= at) return { changes: [], answer: undefined };
    const ms = Math.min(at - account.accruedThrough, MOST_ACCRUED_MS);
    const shadowUsd = Usd.parse(account.shadowUsd + floorUsd(rates, bytes, ms));
    return {
      changes: [AllowanceRow.put({ ...account, shadowUsd, accruedThrough: at }, expectationOf(row))],
      answer: undefined,
    };
  });
}

async function settleIfPurged(catalog: CatalogStore, shard: number, digest: Digest): Promise<void> {
  await settle(catalog, `Settling ${digest}`, async () => {
    const [blob, risk, account] = [
      await BlobRow.get(catalog, digest),
      await RiskRow.get(catalog, shard, digest),
      await AllowanceRow.get(catalog, shard),
    ];
    if (blob !== undefined || risk === undefined || account === undefined) return { changes: [], answer: undefined };
    const lost = closed(account.value, risk.value, 0 - risk.value.reservedUsd);
    return { changes: [AllowanceRow.put(lost, expectationOf(account)), forget(risk)], answer: undefined };
  });
}
