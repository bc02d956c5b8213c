import { createHash } from 'node:crypto';
import type { ObserveUpload } from '../../events/observe-upload/v1.ts';
import { UploadHeadRow, UploadRow } from '../catalog/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import { PortError } from '../shared/errors.ts';
import { CorrelationId } from '../shared/ids.ts';
import { DAY_MS, type EpochMs } from '../shared/units.ts';
import { QUEUE_LIMITS } from '../shared/ports/messageQueue.ts';
import type { ObjectVersion } from '../shared/ports/objectStore.ts';
import type { IngestCall, ReconcileDeps } from './deps.ts';
import { lookMessage } from './messages.ts';
import { VERDICT_LATE_MS } from './retellUploads.ts';
import { continueScan } from './scan.ts';
import { UPLOADS_PREFIX } from './uploadKey.ts';

/** As many as one listing answers. */
const PAGE = 1_000;
const PAGES_PER_RUN = 100;
/** What a run may ask the catalog for; versions that an earlier pass has seen are not asked for again. */
const READS_PER_RUN = 10_000;
const PARALLEL_READS = 16;
const RESERVE_MS = 60_000;
/** An object that took days to be uploaded is as old as its beginning, of which the bucket gives up after 7; and clocks differ. */
const LATE_ARRIVAL_MS = 8 * DAY_MS;

/**
 * Has the keys looked at whose newest version the catalog does not know: their event was lost. Goes over the whole of `uploads/`, pass
 * after pass, but reads the catalog only for what may have come since the last pass began. A version that cannot be looked up holds up
 * no other.
 */
export async function findUntold(
  deps: ReconcileDeps,
  call: IngestCall,
): Promise<{ readonly found: number; readonly failures: readonly unknown[] }> {
  let found = 0;
  let reads = 0;
  const failures: unknown[] = [];
  const enough = () => reads >= READS_PER_RUN || call.remainingMs() < RESERVE_MS;
  await continueScan(
    deps.catalog,
    { name: 'uploads', shards: 1, pages: PAGES_PER_RUN, enough },
    async ({ cursor, since }) => {
      const page = await deps.objects.listVersions({
        prefix: UPLOADS_PREFIX,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const now = deps.clock.now();
      const asked = page.versions.filter((version) => mayBeUntold(version, since, now));
      reads += asked.length;
      const untold: ObjectVersion[] = [];
      await eachOf(asked, PARALLEL_READS, async (version) => {
        try {
          if (!(await isKnown(deps, version))) untold.push(version);
        } catch (error) {
          failures.push(error);
          // The next pass may be too late to ask again; a look at what is known changes nothing.
          if (error instanceof PortError && error.retryable) untold.push(version);
          call.telemetry.metric('UploadsNotLookedUp', 'Count', 1);
          call.telemetry.error('upload-not-looked-up', error, { key: version.key, versionId: version.versionId });
        }
      });
      await tell(deps, untold);
      found += untold.length;
      return page.cursor;
    },
    () => deps.clock.now(),
  );
  return { found, failures };
}

/** Only what is current counts, only after its own event had its time, and only once. */
function mayBeUntold({ isLatest, lastModified }: ObjectVersion, since: EpochMs | undefined, now: EpochMs): boolean {
  if (!isLatest || now - lastModified < VERDICT_LATE_MS) return false;
  return since === undefined || lastModified >= since - LATE_ARRIVAL_MS;
}

async function isKnown({ catalog }: ReconcileDeps, version: ObjectVersion): Promise<boolean> {
  if (!version.isDeleteMarker) return (await UploadRow.get(catalog, version.key, version.versionId)) !== undefined;
  const head = await UploadHeadRow.get(catalog, version.key);
  return head === undefined || head.value.deleted;
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
