import type { PlaceModel } from '../../../events/place-model/v1.ts';
import {
  type Action,
  ActionRow,
  ReplicaRow,
  ServiceLevelRow,
  setServiceLevel,
  VersionRow,
} from '../../../lib/catalog/index.ts';
import { replayPlacement } from '../../../lib/fleet/index.ts';
import { compileRates, missCost, PLACEMENT_BY_DOLLARS } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, hostLocation, ModelName } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/**
 * Where dollars decide placement: operators say how often models are read, and nothing is fetched ahead that does not pay, nor goes in circles: what
 * a host has let go of by itself does not come back for savings within a day.
 */
export function dollarPlacements(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters, models, settings } = stage;
  const life = scheduler.incarnation('planners');
  const [readAction, readVersion] = [rowReader(ActionRow), rowReader(VersionRow)];
  const rates = compileRates(shippedPriceBook());
  const byDollars = settings.placementPolicy === 'dollars';

  /** When a host let go of a blob by itself, and the room that it had, by both. */
  const letGo = new Map<string, { readonly at: number; readonly capacityBytes: number }>();

  /** As a sweep does of what is read daily. */
  async function askAgain(wish: Pick<PlaceModel, 'model' | 'version'>): Promise<void> {
    await scheduler.sleep(life, rng.below(MINUTE_MS));
    const correlationId = CorrelationId.parse(`planners-${rng.uint32()}`);
    const body: PlaceModel = { schema: 'place-model/1', ...wish, correlationId };
    await stage.queues.send('placement', [{ body: JSON.stringify(body) }]);
  }

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

  function onLetGo({ digest, host, receipt, state }: Action): void {
    if (digest === undefined || host === undefined || receipt === undefined || state !== 'done') return;
    const { partition, sort } = ReplicaRow.key(digest, hostLocation('nvme', host.id));
    // Of a copy that is there the receipt came late.
    if ([...catalog.committedIn(partition)].some(({ key }) => key.sort === sort)) return;
    letGo.set(`${host.id} ${digest}`, { at: scheduler.now, capacityBytes: receipt.measured.capacityBytes });
    const fetched = [...catalog.committed('ACTION#')]
      .map(readAction)
      .find((one) => one.reason === 'expected-saving' && one.digest === digest && one.host?.id === host.id);
    if (fetched?.model === undefined || fetched.modelVersion === undefined) return;
    counters.count('fetched for savings and let go of');
    const wish = { model: fetched.model, version: fetched.modelVersion };
    scheduler.spawn(life, () => askAgain(wish));
  }

  function checkCircle({ digest, host, inputs }: Action): void {
    const left = letGo.get(`${host?.id} ${digest}`);
    if (left === undefined || JSON.parse(inputs).host.capacityBytes > left.capacityBytes) return;
    const minutes = Math.floor((scheduler.now - left.at) / MINUTE_MS);
    if (scheduler.now - left.at < DAY_MS)
      violated(
        `${host?.id} is to fetch ${digest} for savings, which it has let go of by itself ${minutes} minutes before.`,
      );
  }

  async function onAction({ before, after }: RowChange): Promise<void> {
    if (before !== undefined || after === undefined) return;
    const action = readAction(after);
    if (action.receipt?.type === 'evict' && action.receipt.choice !== undefined) onLetGo(action);
    if (action.type !== 'prefetch') return;
    if (action.reason === 'subscribed' && byDollars) violated('A subscription decided where dollars should.');
    if (action.reason !== 'expected-saving') return;
    if (!byDollars) violated('Dollars decided where subscriptions should.');
    const decided = replayPlacement(action.inputs, PLACEMENT_BY_DOLLARS, rates);
    if (decided?.reason !== 'expected-saving') violated(`The receipt of ${action.actionId} says ${decided?.reason}.`);
    checkCircle(action);
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
