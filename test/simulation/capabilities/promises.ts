import { type Action, ActionRow, BlobRow, ReferenceRow, setServiceLevel } from '../../../lib/catalog/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { ModelName } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** Operators promise the readers of a model less than any restore takes, and take it back; a sweep restores for nobody else's sake. */
export function promises(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters, models } = stage;
  const life = scheduler.incarnation('promises');
  const [readAction, readBlob, readReference] = [rowReader(ActionRow), rowReader(BlobRow), rowReader(ReferenceRow)];
  const promised = new Set<string>();
  const busy = rng.chance(0.4);

  async function promise(): Promise<void> {
    const archived = needed();
    const model = archived.length > 0 && rng.chance(0.7) ? rng.pick(archived) : ModelName.parse(rng.pick(models));
    const terms = rng.pick([{}, { restoreToleranceMs: MINUTE_MS }, { restoreToleranceMs: 2 * DAY_MS }]);
    const clear = 'restoreToleranceMs' in terms ? [] : (['restoreToleranceMs'] as const);
    if (terms.restoreToleranceMs === MINUTE_MS) promised.add(model);
    const now = EpochMs.parse(scheduler.now);
    await setServiceLevel(stage.depsOf(life).catalog, { model, terms, clear, by: 'promises', now, dryRun: false });
    counters.count('promises: made');
  }

  /** The models whose bytes are archived. */
  function needed(): readonly ModelName[] {
    const archived = [...catalog.committed('BLOB#')].filter(
      (item) => item.key.sort === 'META' && readBlob(item).origin.storageClass === 'GLACIER',
    );
    return archived.flatMap(({ key }) => referrersOf(key.partition));
  }

  function referrersOf(partition: string): readonly ModelName[] {
    const items = [...catalog.committedIn(partition)].filter(({ key }) => key.sort.startsWith('REFERENCE#'));
    return items.map((item) => readReference(item).model);
  }

  function onAsked({ actionId, digest, reason, type }: Action): void {
    if (type !== 'restore' || reason !== 'restore-too-slow') return;
    counters.count('restored for a promise');
    if (referrersOf(`BLOB#${digest}`).some((model) => promised.has(model))) return;
    violated(`${actionId} brings ${digest} back for a promise that nobody has made.`);
  }

  return {
    act(durationMs) {
      if (!busy) return;
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(Math.min(2 * MINUTE_MS, durationMs)));
          await promise().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('promises: no answer');
          });
        }
      });
    },
    onRow({ key, before, after }: RowChange) {
      if (after !== undefined && before === undefined && key.partition.startsWith('ACTION#'))
        onAsked(readAction(after));
    },
  };
}
