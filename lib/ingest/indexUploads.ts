import { expectationOf, settle, UploadRow, UploadState } from '../catalog/index.ts';
import type { Item } from '../shared/ports/catalogStore.ts';
import { DAY_MS } from '../shared/units.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { continueScan } from './scan.ts';

const PAGE = 500;
const PAGES_PER_RUN = 200;
const RESERVE_MS = 60_000;
/** Nothing but an upgrade brings such rows. */
const REST_MS = 7 * DAY_MS;

export interface Indexing {
  readonly indexed: number;
  readonly failures: readonly unknown[];
}

/**
 * Writes the rows of uploads again that an older release left out of an index which the schedules of this one go by. Goes over all
 * uploads once a week, run after run. A row that fails holds up no other.
 */
export async function indexUploads(deps: IngestDeps, call: IngestCall): Promise<Indexing> {
  let indexed = 0;
  const failures: unknown[] = [];
  const enough = () => call.remainingMs() < RESERVE_MS;
  await continueScan(
    deps.catalog,
    { name: 'upload-index', shards: UploadState.options.length, pages: PAGES_PER_RUN, enough, rest: () => REST_MS },
    async ({ shard, cursor }) => {
      const page = await deps.catalog.queryIndex('listing', {
        partition: `UPLOADS#${UploadState.options[shard]}`,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const item of page.items) {
        try {
          if (!UploadRow.isIndexed(item) && (await index(deps, item))) indexed += 1;
        } catch (error) {
          failures.push(error);
          call.telemetry.metric('UploadsNotIndexed', 'Count', 1);
          call.telemetry.error('upload-not-indexed', error, { row: item.key.partition, sort: item.key.sort });
        }
      }
      return page.cursor;
    },
    () => deps.clock.now(),
  );
  return { indexed, failures };
}

async function index({ catalog }: IngestDeps, { key }: Item): Promise<boolean> {
  return settle(catalog, 'The upload', async () => {
    const item = await catalog.get(key);
    if (item === undefined || UploadRow.isIndexed(item)) return { changes: [], answer: false };
    const row = UploadRow.parse(item);
    return { changes: [UploadRow.put(row.value, expectationOf(row))], answer: true };
  });
}
