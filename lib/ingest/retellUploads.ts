import {
  dueShards,
  expectationOf,
  isOpen,
  settle,
  UPLOAD_SHARDS,
  UploadHeadRow,
  UploadRow,
  visitDue,
} from '../catalog/index.ts';
import { EpochMs, MINUTE_MS } from '../shared/units.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { withdrawal } from './membership.ts';
import { retellPut } from './messages.ts';
import { step, uploadChanges } from './judgedRows.ts';

/** An upload without its verdict after so long was forgotten by somebody. */
export const VERDICT_LATE_MS = 10 * MINUTE_MS;
/** One call of the functions digest and scan takes up to 7 minutes without moving the upload's row, and may have waited for its turn. */
const LONG_CALL_LATE_MS = 20 * MINUTE_MS;

const PAGE = 200;
const PAGES_PER_SHARD = 10;
const RESERVE_MS = 30_000;

/**
 * Sends the message of each upload that stands still once more. The row is marked as moved in the same write, so the next
 * message comes after another such time only; one that is no longer needed has no effect. An upload that was opened again
 * after another took its key, as a plane of an older release let operators do, is withdrawn: no look at the key would ever find it. A row
 * that fails holds up no other.
 */
export async function retellUploads(
  deps: IngestDeps,
  call: IngestCall,
): Promise<{ readonly retold: number; readonly failures: readonly unknown[] }> {
  let retold = 0;
  const failures: unknown[] = [];
  const until = EpochMs.parse(Math.max(0, deps.clock.now() - VERDICT_LATE_MS));
  const shards = dueShards(UPLOAD_SHARDS, (shard) => ({
    partition: `DUE#UPLOAD#${shard}`,
    until,
    async visit(item) {
      if (await retell(deps, UploadRow.parse(item).value)) retold += 1;
    },
  }));
  await visitDue(deps, shards, {
    pageItems: PAGE,
    pages: PAGES_PER_SHARD,
    enough: () => call.remainingMs() < RESERVE_MS,
    failed(error, { key }) {
      failures.push(error);
      call.telemetry.metric('UploadsNotRetold', 'Count', 1);
      call.telemetry.error('upload-not-retold', error, { row: key.partition });
    },
  });
  return { retold, failures };
}

async function retell(deps: IngestDeps, { key, versionId }: PinnedUpload): Promise<boolean> {
  return settle(deps.catalog, 'The upload', async () => {
    const row = await UploadRow.get(deps.catalog, key, versionId);
    const now = deps.clock.now();
    if (row === undefined || !isOpen(row.value)) return { changes: [], answer: false };
    const head = await UploadHeadRow.get(deps.catalog, key);
    if (head !== undefined && (head.value.deleted || head.value.versionId !== versionId)) {
      const withdrawn = await withdrawal(deps.catalog, row, { state: 'cancelled' }, now);
      return {
        changes: [{ kind: 'check', key: UploadHeadRow.key(key), expect: expectationOf(head) }, ...withdrawn],
        answer: false,
      };
    }
    const { state, scan, movedAt } = row.value;
    const late = state === 'observed' && scan === undefined ? VERDICT_LATE_MS : LONG_CALL_LATE_MS;
    if (now - movedAt < late) return { changes: [], answer: false };
    const moved = { ...row.value, movedAt: now };
    const put = await uploadChanges(deps.catalog, row, moved, step('retell-uploads'), now);
    return { changes: [...put, retellPut(moved, now)], answer: true };
  });
}
