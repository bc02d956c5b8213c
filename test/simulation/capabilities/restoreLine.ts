import { BlobRow, type Restore, RestoreRow, RestoreSpendingRow } from '../../../lib/catalog/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { restoreArchived } from '../../../lib/restores/index.ts';
import { takeRestore } from '../../../lib/restores/restoreBudget.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, ModelName } from '../../../lib/shared/ids.ts';
import { EpochMs, HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, Stage } from '../stage.ts';

/** Hosts of other fleets read what is archived, all of it at once. Each restore begins when its turn has come. */
export function restoreLine(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters } = stage;
  const life = scheduler.incarnation('readers of archives');
  const rates = compileRates(shippedPriceBook());
  const busy = rng.chance(0.4) || stage.focus === 'restores';
  const restMs = stage.focus === 'restores' ? MINUTE_MS : 2 * MINUTE_MS;
  let reads = 0;
  const [readRestore, readBlob] = [rowReader(RestoreRow), rowReader(BlobRow)];
  const readSpending = rowReader(RestoreSpendingRow);

  function* queued(): Generator<Restore> {
    for (const item of catalog.committed('BLOB#')) {
      if (item.key.sort !== 'RESTORE') continue;
      const restore = readRestore(item);
      if (restore.state === 'queued') yield restore;
    }
  }

  async function readSome(): Promise<void> {
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    const archived = blobs.filter(({ origin }) => origin.storageClass === 'GLACIER');
    if (archived.length === 0) return;
    reads += 1;
    const correlationId = CorrelationId.parse(`archive-read-${reads}`);
    const wish = { model: ModelName.parse('flux'), reason: 'read', correlationId, limits: stage.settings } as const;
    await restoreArchived({ ...stage.depsOf(life), rates }, { ...wish, blobs: archived });
  }

  return {
    act(durationMs) {
      if (!busy) return;
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(Math.min(restMs, durationMs)));
          await readSome().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('read of an archive: no answer');
          });
        }
      });
    },
    async check() {
      const anHourAgo = EpochMs.parse(scheduler.now - HOUR_MS);
      const [spending] = [...catalog.committedIn(RestoreSpendingRow.key().partition)].map(readSpending);
      for (const { digest, askedAt, turn } of queued()) {
        if ((turn?.beginsAt ?? 0) < anHourAgo) violated(`The turn of ${digest} came, and it does not begin.`);
        const there = takeRestore(spending, turn?.usd ?? 0, stage.settings, anHourAgo);
        if (askedAt < anHourAgo && there.outcome === 'taken')
          violated(`There has been money for ${digest} for an hour, and it does not begin.`);
      }
    },
  };
}
