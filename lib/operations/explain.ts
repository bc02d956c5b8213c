import {
  ActionRow,
  parseReference,
  queryAll,
  startingWith,
  TombstoneRow,
  type Upload,
  UploadRow,
} from '../catalog/index.ts';
import { explainDelete } from '../deletion/index.ts';
import { explainRestored } from '../restores/index.ts';
import { uploadKey, UPLOADS_PREFIX } from '../ingest/index.ts';
import { type Digest, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { ActionView } from './views.ts';
import type { OperationOutput } from './contract.ts';
import { OperationsError } from './errors.ts';
import { requireResolved } from './showModel.ts';

/** Decisions shown per blob. */
const ACTIONS_PER_BLOB = 20;

/** Why things are as they are: the uploads of a model or of one key with their verdicts, and the decisions about their blobs. Throws `CatalogError`, `OperationsError` `unknown-upload`. */
export async function explain(catalog: CatalogStore, reference: string): Promise<OperationOutput<'explain'>> {
  const found = reference.startsWith(UPLOADS_PREFIX)
    ? { uploads: await requireUploads(catalog, reference), digests: [], deleted: false }
    : await uploadsOfModel(catalog, reference);
  const { uploads, deleted } = found;
  const digests = new Set([...found.digests, ...uploads.flatMap(({ digest }) => digest ?? [])]);
  const pages: ActionsPage[] = [];
  for (const digest of digests) pages.push(await actionsOf(catalog, digest));
  const actions = pages.flatMap((page) => page.actions).sort((a, b) => b.decidedAt - a.decidedAt);
  const texts = actions.flatMap((action) => explainDelete(action) ?? []);
  const restored = actions.flatMap((action) => explainRestored(action) ?? []);
  return { uploads: [...uploads], actions, older: pages.some(({ older }) => older), texts, restored, deleted };
}

/** Throws `OperationsError` `unknown-upload`. */
async function requireUploads(catalog: CatalogStore, key: string): Promise<readonly Upload[]> {
  const uploads = await uploadsOf(catalog, key);
  if (uploads.length > 0) return uploads;
  throw new OperationsError({
    code: 'unknown-upload',
    message: `Nothing is known to be uploaded as ${key}. \`strata ls --uploads quarantined\` lists what was refused, and so for other states.`,
    retryable: false,
  });
}

/** Every version of one uploaded key that the catalog knows. */
async function uploadsOf(catalog: CatalogStore, key: string): Promise<readonly Upload[]> {
  const items = await queryAll(catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
  return items.map((item) => UploadRow.parse(item).value).sort((a, b) => b.observedAt - a.observedAt);
}

async function uploadsOfModel(catalog: CatalogStore, reference: string) {
  const { content, deleted } = await contentOf(catalog, reference);
  const { model, version, files } = content;
  const uploads: Upload[] = [];
  for (const { file, digest } of files) {
    const known = await uploadsOf(catalog, uploadKey({ model, version, file }));
    const published = known.find((upload) => upload.digest === digest);
    if (published !== undefined) uploads.push(published);
  }
  return { uploads, digests: files.map(({ digest }) => digest), deleted };
}

/** What a reference names, also when it is deleted. */
async function contentOf(catalog: CatalogStore, text: string) {
  const { model, reference } = parseReference(text);
  const version = SemVer.safeParse(reference).data;
  const buried = version === undefined ? undefined : await TombstoneRow.get(catalog, model, version);
  if (buried !== undefined) return { content: buried.value.content, deleted: true };
  return { content: await requireResolved(catalog, text), deleted: false };
}

interface ActionsPage {
  readonly actions: readonly ActionView[];
  /** Whether there are more. */
  readonly older: boolean;
}

async function actionsOf(catalog: CatalogStore, digest: Digest): Promise<ActionsPage> {
  const { cursor, items } = await catalog.queryIndex('listing', {
    partition: `ACTIONS#BLOB#${digest}`,
    limit: ACTIONS_PER_BLOB,
    descending: true,
  });
  return { actions: items.map((item) => ActionRow.parse(item).value), older: cursor !== undefined };
}
