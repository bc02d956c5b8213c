import { listTombstones, requireModel, type Tombstone } from '../catalog/index.ts';
import { deleteVersion, holdVersion, undoDelete } from '../deletion/index.ts';
import { CorrelationId, type ModelName } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Random } from '../shared/ports/random.ts';
import { Bytes } from '../shared/units.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { versionView } from './showModel.ts';
import type { TombstoneView } from './lifecycleViews.ts';

interface DeletionOperationDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly random: Random;
}

const operator = ({ random }: DeletionOperationDeps) => CorrelationId.parse(`operator-${random.id()}`);

export async function runDelete(
  deps: DeletionOperationDeps,
  input: OperationInput<'deleteVersion'>,
): Promise<OperationOutput<'deleteVersion'>> {
  const deletion = { ...input, now: deps.clock.now(), correlationId: operator(deps) };
  const { tombstone, freesBytes } = await deleteVersion(deps.catalog, deletion);
  return { ...tombstoneView(tombstone), freesBytes: Bytes.parse(freesBytes) };
}

export async function runUndo(
  deps: DeletionOperationDeps,
  input: OperationInput<'undoDelete'>,
): Promise<OperationOutput<'undoDelete'>> {
  return versionView(
    await undoDelete(deps.catalog, { ...input, now: deps.clock.now(), correlationId: operator(deps) }),
  );
}

export async function runHold(
  deps: DeletionOperationDeps,
  input: OperationInput<'holdVersion'>,
): Promise<OperationOutput<'holdVersion'>> {
  return versionView(await holdVersion(deps.catalog, { ...input, now: deps.clock.now() }));
}

/** The deleted versions of a model, newest deletion first. Throws `CatalogError` `unknown-model`. */
export async function deletedVersions(catalog: CatalogStore, model: ModelName): Promise<TombstoneView[]> {
  const tombstones = await listTombstones(catalog, model);
  // Of a model without any other version the tombstones are all that is left.
  if (tombstones.length === 0) await requireModel(catalog, model);
  return tombstones.map(tombstoneView).sort((a, b) => b.deletedAt - a.deletedAt);
}

function tombstoneView({
  content,
  state,
  deletedAt,
  purgeAfter,
  purgedAt,
  freedBytes,
  stuck,
}: Tombstone): TombstoneView {
  const { model, version, files } = content;
  const bytes = Bytes.parse(files.reduce((sum, { size }) => sum + size, 0));
  return {
    model,
    version,
    state,
    bytes,
    deletedAt,
    purgeAfter,
    ...(purgedAt === undefined ? {} : { purgedAt }),
    ...(freedBytes === undefined ? {} : { freedBytes }),
    ...(stuck === undefined ? {} : { stuck }),
  };
}
