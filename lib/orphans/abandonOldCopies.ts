import { CopyRow, queryAll, startingWith } from '../catalog/index.ts';
import type { UnfinishedCopy } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { JudgeDeps } from './judgeVersion.ts';

const PREFIX = 'blobs/';
const PAGE = 500;

/**
 * Abandons copies by parts that were begun a grace period ago and that no row names: their parts are paid for, and no listing
 * of objects shows them. A copy that is abandoned while somebody works on it begins anew.
 */
export async function abandonOldCopies(deps: JudgeDeps, call: { readonly telemetry: Telemetry }): Promise<void> {
  let cursor: string | undefined;
  let abandoned = 0;
  do {
    const query = { prefix: PREFIX, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await deps.objects.listUnfinishedCopies(query);
    for (const copy of page.copies) {
      if (deps.clock.now() - copy.startedAt < deps.settings.orphanGraceMs || (await isNamed(deps, copy))) continue;
      call.telemetry.info('copy-abandoned', { ...copy, mode: deps.settings.orphanSweep });
      if (deps.settings.orphanSweep === 'on') await deps.objects.abandonCopy(copy.key, copy.resume);
      abandoned += 1;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  call.telemetry.metric('CopiesAbandoned', 'Count', abandoned);
}

async function isNamed(deps: JudgeDeps, copy: UnfinishedCopy): Promise<boolean> {
  const partition = `BLOB#${copy.key.slice(PREFIX.length)}`;
  const rows = await queryAll(deps.catalog, { partition, ...startingWith('COPY#') });
  return rows
    .map((item) => CopyRow.parse(item).value)
    .some(({ resume, expiresAt }) => resume === copy.resume && expiresAt > deps.clock.now());
}
