import type { ModelName } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { requireModel } from './models.ts';
import { expectationOf } from './rowType.ts';
import { SERVICE_LEVEL_CHANGES, type ServiceLevel, ServiceLevelRow, type ServiceLevelTerms } from './rows/model.ts';
import { settle } from './settle.ts';

export interface ServiceLevelChange {
  readonly model: ModelName;
  /** What changes; what is not named stays as it is. */
  readonly terms: ServiceLevelTerms;
  /** What is not known or promised any more. */
  readonly clear: readonly (keyof ServiceLevelTerms)[];
  readonly by: string;
  readonly now: EpochMs;
  /** Decide and answer, but write nothing. */
  readonly dryRun: boolean;
}

/** Changes what is known or promised of a model's reads, and remembers who did. Throws `CatalogError` `unknown-model`. */
export async function setServiceLevel(store: CatalogStore, change: ServiceLevelChange): Promise<ServiceLevel> {
  const { model, now: at, by, dryRun } = change;
  return settle(store, `The service level of ${model}`, async () => {
    await requireModel(store, model);
    const row = await ServiceLevelRow.get(store, model);
    const terms = { ...termsOf(row?.value), ...change.terms };
    for (const name of change.clear) delete terms[name];
    const changes = [{ at, by, terms }, ...(row?.value.changes ?? [])].slice(0, SERVICE_LEVEL_CHANGES);
    const level: ServiceLevel = { model, ...terms, updatedAt: at, changes };
    return { changes: dryRun ? [] : [ServiceLevelRow.put(level, expectationOf(row))], answer: level };
  });
}

function termsOf(level: ServiceLevel | undefined): ServiceLevelTerms {
  if (level === undefined) return {};
  const { model: _model, updatedAt: _updatedAt, changes: _changes, ...terms } = level;
  return terms;
}

/** A page of all service levels by model. The index may lag behind the newest changes. */
export async function listServiceLevels(
  store: CatalogStore,
  limit: number,
  cursor?: string,
): Promise<{ readonly levels: readonly ServiceLevel[]; readonly cursor?: string }> {
  const page = await store.queryIndex('listing', {
    partition: 'SERVICELEVELS',
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const levels = page.items.map((item) => ServiceLevelRow.parse(item).value);
  return page.cursor === undefined ? { levels } : { levels, cursor: page.cursor };
}
