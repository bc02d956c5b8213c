import {
  type Replica,
  ReplicaRow,
  queryAll,
  startingWith,
  type Upload,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import type { Digest, HostId } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';

/** What becomes of one upload, in this order; `quarantined`, `cancelled` and `not-cached` end it early. */
export type Milestone =
  | { readonly stage: 'verdict'; readonly upload: Upload }
  | { readonly stage: 'quarantined' | 'cancelled'; readonly upload: Upload }
  | { readonly stage: 'published'; readonly digest: Digest }
  | { readonly stage: 'placed' | 'cached' | 'not-cached'; readonly digest: Digest; readonly host: HostId };

export interface Followed {
  readonly key: string;
  readonly versionId: string;
}

const LOOK_EVERY_MS = 100;
/** A published model that nothing brings to a host for so long does not fit there, or cannot be fetched. */
const GIVE_UP_MS = 30_000;

/**
 * Tells what becomes of an upload until it is refused, or cached or given up on each of `hosts`, or until `signal` ends. Reads the
 * catalog's rows and nothing else: what is told has happened.
 */
export async function* follow(
  catalog: CatalogStore,
  followed: Followed,
  hosts: readonly HostId[],
  signal: AbortSignal,
): AsyncGenerator<Milestone> {
  const told = new Set<string>();
  let movedAt = performance.now();
  while (!signal.aborted) {
    const now = await milestones(catalog, followed);
    const published = now.find((one) => one.stage === 'published');
    const onTheWay = (host: HostId) => now.some((one) => 'host' in one && one.host === host);
    const left = hosts.filter((host) => !told.has(`cached ${host}`));
    if (published === undefined || left.some(onTheWay)) movedAt = performance.now();
    else if (performance.now() - movedAt > GIVE_UP_MS) {
      for (const host of left) yield { stage: 'not-cached', digest: published.digest, host };
      return;
    }
    for (const milestone of now) {
      const name = 'host' in milestone ? `${milestone.stage} ${milestone.host}` : milestone.stage;
      if (!told.has(name)) yield milestone;
      told.add(name);
    }
    if (told.has('quarantined') || told.has('cancelled')) return;
    if (published !== undefined && hosts.every((host) => told.has(`cached ${host}`))) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function milestones(catalog: CatalogStore, followed: Followed): Promise<readonly Milestone[]> {
  const upload = (await UploadRow.get(catalog, followed.key, followed.versionId))?.value;
  if (upload === undefined) return [];
  if (upload.state === 'quarantined' || upload.state === 'cancelled') return [{ stage: upload.state, upload }];
  if (upload.findings === undefined) return [];
  const { digest, target } = upload;
  const judged: Milestone = { stage: 'verdict', upload };
  if (digest === undefined || target === undefined) return [judged];
  if ((await VersionRow.get(catalog, target.model, target.version)) === undefined) return [judged];
  return [judged, { stage: 'published', digest }, ...(await copies(catalog, digest))];
}

async function copies(catalog: CatalogStore, digest: Digest): Promise<readonly Milestone[]> {
  const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items
    .map((item) => ReplicaRow.parse(item).value)
    .flatMap(({ host, state }: Replica): readonly Milestone[] => {
      if (host === undefined) return [];
      const placed: Milestone = { stage: 'placed', digest, host: host.id };
      return state === 'verified' ? [placed, { stage: 'cached', digest, host: host.id }] : [placed];
    });
}
