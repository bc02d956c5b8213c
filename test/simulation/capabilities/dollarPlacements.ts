import { type Action, ActionRow, ServiceLevelRow, setServiceLevel, VersionRow } from '../../../lib/catalog/index.ts';
import { replayPlacement } from '../../../lib/fleet/index.ts';
import { compileRates, missCost, PLACEMENT_BY_DOLLARS } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { EpochMs, MINUTE_MS } from '../../../lib/shared/units.ts';
import { ModelName } from '../../../lib/shared/ids.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** Where dollars decide placement: operators say how often models are read, and nothing is fetched ahead that does not pay. */
export function dollarPlacements(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters, models, settings } = stage;
  const life = scheduler.incarnation('planners');
  const [readAction, readVersion] = [rowReader(ActionRow), rowReader(VersionRow)];
  const rates = compileRates(shippedPriceBook());
  const byDollars = settings.placementPolicy === 'dollars';

  async function sayReads(): Promise<void> {
    const unknown = rng.chance(0.3);
    await setServiceLevel(stage.depsOf(life).catalog, {
      model: ModelName.parse(rng.pick(models)),
      terms: unknown ? {} : { readsPerDay: rng.pick([0, 1e-6, 1, 2000]) },
      clear: unknown ? ['readsPerDay'] : [],
      by: 'planners',
      now: EpochMs.parse(scheduler.now),
      dryRun: false,
    });
  }

  async function onAction({ before, after }: RowChange): Promise<void> {
    if (before !== undefined || after === undefined) return;
    const action = readAction(after);
    if (action.type !== 'prefetch') return;
    if (action.reason === 'subscribed' && byDollars) violated('A subscription decided where dollars should.');
    if (action.reason !== 'expected-saving') return;
    if (!byDollars) violated('Dollars decided where subscriptions should.');
    const decided = replayPlacement(action.inputs, PLACEMENT_BY_DOLLARS, rates);
    if (decided?.reason !== 'expected-saving') violated(`The receipt of ${action.actionId} says ${decided?.reason}.`);
    await checkKnown(action);
  }

  /** What is fetched ahead pays, by a demand that somebody knows. */
  async function checkKnown(action: Action): Promise<void> {
    const { demand, files, host, model } = JSON.parse(action.inputs);
    const readsPerDay = (await ServiceLevelRow.get(catalog, ModelName.parse(model)))?.value.readsPerDay;
    const wasRead = accessed(model);
    if (demand === undefined || (readsPerDay === undefined && !wasRead)) {
      violated(`${model} is fetched ahead to ${host.id} although nobody knows anything of its use.`);
    }
    if (files.length !== 1) return;
    const usdOf = (kind: string) => action.alternatives.find((one) => one.action.startsWith(kind))?.usd ?? 0;
    if (usdOf('prefetch') >= usdOf('none'))
      violated(`${model} is fetched ahead to ${host.id} although that costs more.`);
    const missUsd = missCost(files[0], { ...PLACEMENT_BY_DOLLARS.fetch, gpu: host.gpu }, rates).usd;
    if (usdOf('none') - usdOf('prefetch') > missUsd) {
      violated(`${model} is fetched ahead to ${host.id} for more than the first use would wait.`);
    }
  }

  function accessed(model: string): boolean {
    for (const item of catalog.committedIn(`MODEL#${model}`)) {
      if (!item.key.sort.startsWith('VERSION#')) continue;
      for (const { digest } of readVersion(item).files) {
        for (const row of catalog.committedIn(`BLOB#${digest}`)) if (row.key.sort.startsWith('ACCESS#')) return true;
      }
    }
    return false;
  }

  return {
    act(durationMs) {
      if (!byDollars) return;
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(Math.min(2 * MINUTE_MS, durationMs)));
          await sayReads().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('planners: no answer');
          });
        }
      });
    },
    onRow: (change) => (change.key.partition.startsWith('ACTION#') ? onAction(change) : undefined),
  };
}
