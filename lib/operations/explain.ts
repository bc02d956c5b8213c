import { ActionRow, queryAll, startingWith, type Upload, UploadRow } from '../catalog/index.ts';
import { uploadKey, UPLOADS_PREFIX } from '../ingest/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { ActionView } from './views.ts';
import type { OperationOutput } from './contract.ts';
import { requireResolved } from './showModel.ts';

/** Decisions shown per blob. */
const ACTIONS_PER_BLOB = 20;

/** Why things are as they are: the uploads of a model or of one key with their verdicts, and the decisions about their blobs. */
export async function explain(catalog: CatalogStore, reference: string): Promise<OperationOutput<'explain'>> {
  const uploads = reference.startsWith(UPLOADS_PREFIX)
    ? await uploadsOf(catalog, reference)
    : await uploadsOfModel(catalog, reference);
  const digests = new Set(uploads.flatMap(({ digest }) => (digest === undefined ? [] : [digest])));
  const actions: ActionView[] = [];
  for (const digest of digests) actions.push(...(await actionsOf(catalog, digest)));
  return { uploads: [...uploads], actions: actions.sort((a, b) => b.decidedAt - a.decidedAt) };
}

/** Every version of one uploaded key that the catalog knows. */
async function uploadsOf(catalog: CatalogStore, key: string): Promise<readonly Upload[]> {
  const items = await queryAll(catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
  return items.map((item) => UploadRow.parse(item).value).sort((a, b) => b.observedAt - a.observedAt);
}

async function uploadsOfModel(catalog: CatalogStore, reference: string): Promise<readonly Upload[]> {
  const { model, version, files } = await requireResolved(catalog, reference);
  const uploads: Upload[] = [];
  for (const { file, digest } of files) {
    const known = await uploadsOf(catalog, uploadKey({ model, version, file }));
    const published = known.find((upload) => upload.digest === digest);
    if (published !== undefined) uploads.push(published);
  }
  return uploads;
}

async function actionsOf(catalog: CatalogStore, digest: Digest): Promise<readonly ActionView[]> {
  const page = await catalog.queryIndex('listing', {
    partition: `ACTIONS#BLOB#${digest}`,
    limit: ACTIONS_PER_BLOB,
    descending: true,
  });
  return page.items.map((item) => ActionRow.parse(item).value);
}
