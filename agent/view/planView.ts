import semver from 'semver';
import type { ViewEntry } from '../../events/host-command/v1.ts';
import type { Digest, VolumeName } from '../../lib/shared/ids.ts';
import { blobPath, FOLDERS } from '../nvme/paths.ts';

export interface NamedBlob {
  readonly digest: Digest;
  readonly volume: VolumeName;
  readonly entries: readonly ViewEntry[];
}

export const versionedPath = (entry: ViewEntry): string =>
  `${FOLDERS.models}/${entry.kind}/${entry.model}/${entry.version}/${entry.file}`;

const flatPath = (entry: ViewEntry): string => `${FOLDERS.models}/${entry.kind}/${entry.file}`;

/**
 * The links of the `models/` view, path → link text. Every file of every resident version stands under
 * `<kind>/<model>/<version>/<file>`. Besides, `<kind>/<file>` names the file of the version that was published last; where
 * that is equal, the higher version, then the model name that sorts last. `other` is no folder of ComfyUI's, so it has
 * no such short names; a model's folder of the same name goes before one.
 */
export function planView(blobs: Iterable<NamedBlob>): Map<string, string> {
  const links = new Map<string, string>();
  const newest = new Map<string, { readonly entry: ViewEntry; readonly path: string }>();
  const modelFolders = new Set<string>();
  for (const { digest, volume, entries } of blobs) {
    const path = blobPath(digest, volume);
    for (const entry of entries) {
      links.set(versionedPath(entry), `../../../../${path}`);
      modelFolders.add(`${FOLDERS.models}/${entry.kind}/${entry.model}`);
      const short = flatPath(entry);
      const before = newest.get(short);
      if (entry.kind !== 'other' && (before === undefined || comesAfter(entry, before.entry))) {
        newest.set(short, { entry, path });
      }
    }
  }
  for (const [short, { path }] of newest) {
    if (!modelFolders.has(short)) links.set(short, `../../${path}`);
  }
  return links;
}

function comesAfter(one: ViewEntry, other: ViewEntry): boolean {
  if (one.publishedAt !== other.publishedAt) return one.publishedAt > other.publishedAt;
  const byVersion = semver.compare(one.version, other.version);
  if (byVersion !== 0) return byVersion > 0;
  return one.model > other.model;
}
