import { type Action, ActionRow, BlobRow, type Restore, RestoreRow } from '../../../lib/catalog/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { restoreArchived } from '../../../lib/restores/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type Digest, ModelName } from '../../../lib/shared/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const SPEED: Readonly<Record<Restore['tier'], number>> = { bulk: 0, standard: 1, expedited: 2, unpack: 3 };

/**
 * Operators call back what is archived, first with time and then in a hurry, several one after another. Each faster tier is decided for once a
 * restore, and none is slower than what is under way.
 */
export function hurriedReaders(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters } = stage;
  const life = scheduler.incarnation('hurried readers');
  const rates = compileRates(shippedPriceBook());
  const [readAction, readBlob, readRestore] = [rowReader(ActionRow), rowReader(BlobRow), rowReader(RestoreRow)];
  const decided = new Set<string>();
  const busy = rng.chance(0.45);
  let wishes = 0;

  async function wish(): Promise<void> {
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    const archived = blobs.filter(({ origin }) => origin.storageClass === 'GLACIER');
    if (archived.length === 0) return;
    // Mostly those whose restore is under way.
    const waiting = archived.filter(({ digest }) => restoreOf(digest) !== undefined);
    const blob = rng.pick(waiting.length > 0 && rng.chance(0.7) ? waiting : archived);
    const withinMs = rng.pick([2 * DAY_MS, 2 * DAY_MS, 6 * HOUR_MS, 6 * MINUTE_MS]);
    wishes += 1;
    const correlationId = CorrelationId.parse(`hurry-${wishes}`);
    const terms = { reason: 'operator', limits: undefined } as const;
    const ask = { ...terms, model: ModelName.parse('flux'), blobs: [blob], correlationId, withinMs };
    const deps = { ...stage.depsOf(life), rates };
    for (let readers = 1 + rng.below(3); readers > 0; readers -= 1) {
      await restoreArchived(deps, ask);
      await scheduler.sleep(life, rng.below(8 * SECOND_MS));
    }
  }

  function restoreOf(digest: Digest): Restore | undefined {
    for (const item of catalog.committedIn(`BLOB#${digest}`)) if (item.key.sort === 'RESTORE') return readRestore(item);
    return undefined;
  }

  function onHastened({ digest, attempt, chosen, correlationId }: Action): void {
    const which = [digest, correlationId, attempt, chosen].join(' ');
    if (decided.has(which)) violated(`${digest}: a restore is made faster twice by the same tier.`);
    decided.add(which);
  }

  function onRestore(was: Restore, is: Restore): void {
    if (was.actionId !== is.actionId) return;
    if (is.tier !== was.tier && is.state === 'restoring' && was.state === 'restoring') {
      if (SPEED[is.tier] <= SPEED[was.tier]) violated(`The restore of ${is.digest} became slower.`);
      counters.count(`restore made faster: ${was.tier}→${is.tier}`);
    }
  }

  return {
    act(durationMs) {
      if (!busy) return;
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(40 * SECOND_MS));
          await wish().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('hurry: no answer');
          });
        }
      });
    },
    onRow({ key, before, after }: RowChange) {
      if (after === undefined) return;
      if (key.partition.startsWith('ACTION#faster-') && before === undefined) onHastened(readAction(after));
      if (key.partition.startsWith('BLOB#') && key.sort === 'RESTORE' && before !== undefined) {
        onRestore(readRestore(before), readRestore(after));
      }
    },
  };
}
