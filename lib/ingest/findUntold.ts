import { createHash } from 'node:crypto';
import type { ObserveUpload } from '../../events/observe-upload/v1.ts';
import { UploadHeadRow, UploadRow } from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import { QUEUE_LIMITS } from '../shared/ports/messageQueue.ts';
import type { ObjectVersion } from '../shared/ports/objectStore.ts';
import type { IngestCall, ReconcileDeps } from './deps.ts';
import { lookMessage } from './messages.ts';
import { VERDICT_LATE_MS } from './retellUploads.ts';
import { continueScan } from './scan.ts';
import { UPLOADS_PREFIX } from './uploadKey.ts';

const PAGE = 500;
const PAGES_PER_RUN = 4;
const RESERVE_MS = 60_000;

/** Has the keys looked at whose newest version the catalog does not know: their event was lost. Answers how many. */
export async function findUntold(deps: ReconcileDeps, call: IngestCall): Promise<number> {
  let found = 0;
  await continueScan(
    deps.catalog,
    { name: 'uploads', shards: 1, pages: call.remainingMs() < RESERVE_MS ? 0 : PAGES_PER_RUN },
    async ({ cursor }) => {
      const page = await deps.objects.listVersions({
        prefix: UPLOADS_PREFIX,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const untold: ObjectVersion[] = [];
      for (const version of page.versions) {
        if (await isUntold(deps, version)) untold.push(version);
      }
      await tell(deps, untold);
      found += untold.length;
      return page.cursor;
    },
    () => deps.clock.now(),
  );
  return found;
}

/** Only what is current counts, and only after its own event had its time. */
async function isUntold(deps: ReconcileDeps, version: ObjectVersion): Promise<boolean> {
  if (!version.isLatest || deps.clock.now() - version.lastModified < VERDICT_LATE_MS) return false;
  if (!version.isDeleteMarker) {
    return (await UploadRow.get(deps.catalog, version.key, version.versionId)) === undefined;
  }
  const head = await UploadHeadRow.get(deps.catalog, version.key);
  return head !== undefined && !head.value.deleted;
}

/** Nothing in the catalog changes by this, so the messages need no outbox: one that is lost is sent by the next scan. */
async function tell(deps: ReconcileDeps, untold: readonly ObjectVersion[]): Promise<void> {
  for (let from = 0; from < untold.length; from += QUEUE_LIMITS.batchMessages) {
    const batch = untold.slice(from, from + QUEUE_LIMITS.batchMessages);
    const messages = batch.map(({ key, versionId }) => ({
      body: carriableJson(lookMessage(key, correlationOf(versionId))),
    }));
    await deps.sender.send('ingest', messages);
  }
}

/**
 * JSON that a queue takes whatever key is in it: SQS refuses these two characters, which JSON does not escape by itself, and
 * one such key would stop the scan for ever. Source: SendMessage in the SQS API reference.
 */
function carriableJson(message: ObserveUpload): string {
  return JSON.stringify(message).replaceAll('\ufffe', '\\ufffe').replaceAll('\uffff', '\\uffff');
}

function correlationOf(versionId: string): CorrelationId {
  return CorrelationId.parse(`found-${createHash('sha256').update(versionId).digest('hex').slice(0, 32)}`);
}
