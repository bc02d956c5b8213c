import { type Action, ActionRow, expectationOf, settle, TombstoneRow } from '../catalog/index.ts';
import type { ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { isUnended } from './finishDeletion.ts';
import type { ObjectDiffersError } from './errors.ts';

/** What a person must look at is tried again once a day. */
const RETRY_MS = DAY_MS;

interface StuckDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Ends a purge that found another object than was judged: its delete fails with a receipt, the version's tombstone says so to operators,
 * and both are tried again a day later. The error is logged, and counted as `PurgeStuck`.
 */
export async function endStuck(
  { catalog, clock, telemetry }: StuckDeps,
  error: ObjectDiffersError,
  version?: { readonly model: ModelName; readonly version: SemVer },
): Promise<void> {
  const { digest, versionId } = error.difference;
  telemetry.metric('PurgeStuck', 'Count', 1);
  telemetry.error('purge-stuck', error, { digest, versionId });
  await settle(catalog, `Ending the purge of ${digest}`, async () => {
    const now = clock.now();
    const retryAt = EpochMs.parse(now + RETRY_MS);
    const failed = await failedDelete(catalog, error, now, retryAt);
    const row = version === undefined ? undefined : await TombstoneRow.get(catalog, version.model, version.version);
    if (row === undefined || row.value.state === 'purged') return { changes: failed, answer: undefined };
    const stuck = { since: row.value.stuck?.since ?? now, retryAt, digest, versionId };
    return { changes: [...failed, TombstoneRow.put({ ...row.value, stuck }, expectationOf(row))], answer: undefined };
  });
}

async function failedDelete(
  catalog: CatalogStore,
  { difference: { begun, receipt, versionId } }: ObjectDiffersError,
  now: EpochMs,
  retryAt: EpochMs,
): Promise<readonly Change[]> {
  if (receipt !== undefined) {
    return [ActionRow.put(receipt, expectationOf(await ActionRow.get(catalog, receipt.actionId)))];
  }
  const row = begun === undefined ? undefined : await ActionRow.get(catalog, begun);
  if (row === undefined || !isUnended(row.value)) return [];
  const text = `Version ${versionId} is not the object that was judged, or is named again; what else was judged is gone.`;
  const failed: Action = { ...row.value, state: 'failed', retryAt, outcome: { at: now, code: 'object-differs', text } };
  return [ActionRow.put(failed, expectationOf(row))];
}

/** Whether a delete that was not made, since the object differs, is to be tried again already. */
export function mayTryAgain(receipt: Action | undefined, now: EpochMs): boolean {
  return receipt?.outcome?.code !== 'object-differs' || now >= receipt.outcome.at + RETRY_MS;
}
