import type { RescanBlob, RescanPage, RescanUpload } from '../../events/rescan/v1.ts';
import { BlobRow, sendOnce, UploadRow } from '../catalog/index.ts';
import type { Item } from '../shared/ports/catalogStore.ts';
import type { IngestDeps } from './deps.ts';
import { isStale } from './findings.ts';
import { noteJudging } from './startRescan.ts';

const ITEMS_PER_PAGE = 50;
const QUARANTINED = 'UPLOADS#quarantined';

/**
 * Sends what of one page is due to be judged again, each with a message of its own, and then the next page. A repeated page sends
 * nothing twice. How fast a re-scan goes is set by how many messages of its queue are worked on at once.
 */
export async function rescanPage(deps: IngestDeps, message: RescanPage): Promise<number> {
  await noteJudging(deps);
  const page = await deps.catalog.queryIndex('listing', {
    partition: message.of === 'blobs' ? `SWEEP#${message.shard}` : QUARANTINED,
    limit: ITEMS_PER_PAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  let sent = 0;
  for (const item of page.items) {
    const due = message.of === 'blobs' ? dueBlob(deps, message, item) : dueUpload(deps, message, item);
    if (due === undefined) continue;
    const id = 'digest' in due ? due.digest : `${due.key} ${due.versionId}`;
    const link = { scope: 'rescan-item', id: `${message.rescanId} ${id}` };
    if (await sendOnce(deps, link, { queue: 'rescan', body: due })) sent += 1;
  }
  if (page.cursor !== undefined) {
    const id = [message.rescanId, message.of, message.shard, page.cursor].join(' ');
    const next = { ...message, cursor: page.cursor };
    await sendOnce(deps, { scope: 'rescan-page', id }, { queue: 'rescan', body: next });
  }
  return sent;
}

function dueBlob(deps: IngestDeps, message: RescanPage, item: Item): RescanBlob | undefined {
  const { digest, findings } = BlobRow.parse(item).value;
  if (!message.all && !isStale(deps, findings)) return undefined;
  const { rescanId, correlationId } = message;
  return { schema: 'rescan-blob/1', rescanId, digest, hop: 0, correlationId };
}

/** Only what its verdict keeps in quarantine, and whose bytes are there: other reasons do not change with the rules. */
function dueUpload(deps: IngestDeps, message: RescanPage, item: Item): RescanUpload | undefined {
  const { key, versionId, findings, removal } = UploadRow.parse(item).value;
  if (removal !== undefined || findings === undefined || (!message.all && !isStale(deps, findings))) return undefined;
  const { rescanId, correlationId } = message;
  return { schema: 'rescan-upload/1', rescanId, key, versionId, hop: 0, correlationId };
}
