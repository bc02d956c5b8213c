import { type Blob, BlobRow, isAdmitted, type Version, VersionRow, type Versioned } from '../catalog/index.ts';
import { misnaming } from '../scanning/index.ts';
import type { Digest, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';

/** Why a version may not reach a host; `not-clean` also where a file is not what its name promises. */
export type ServeRefusal = 'unknown-version' | 'unknown-blob' | 'not-clean' | 'stale-rules';

export interface ServableVersion {
  readonly outcome: 'servable';
  readonly version: Version;
  /** The version's row as it was read: a write that relies on the version checks it. */
  readonly row: Versioned<Version>;
  readonly blobs: ReadonlyMap<Digest, Versioned<Blob>>;
}

export type ServableOutcome =
  | ServableVersion
  | { readonly outcome: 'refused'; readonly reason: ServeRefusal; readonly version?: Version };

/** The gate: only what the rules of today call clean, or the operators admit, is served. A verdict of other rules is no verdict. */
export function serveRefusal(blob: Blob | undefined, rules: string): ServeRefusal | undefined {
  if (blob === undefined) return 'unknown-blob';
  if (!isAdmitted(blob.findings)) return 'not-clean';
  return blob.findings.rules === rules ? undefined : 'stale-rules';
}

/** Reads a version with its blobs; refused as a whole when any one of its files may not be served, or not under its name. */
export async function loadServable(
  store: CatalogStore,
  model: ModelName,
  version: SemVer,
  rules: string,
): Promise<ServableOutcome> {
  const row = await VersionRow.get(store, model, version);
  if (row === undefined) return { outcome: 'refused', reason: 'unknown-version' };
  const blobs = new Map<Digest, Versioned<Blob>>();
  for (const digest of new Set(row.value.files.map((file) => file.digest))) {
    const blob = await BlobRow.get(store, digest);
    const reason = serveRefusal(blob?.value, rules);
    if (reason !== undefined || blob === undefined) {
      return { outcome: 'refused', reason: reason ?? 'unknown-blob', version: row.value };
    }
    if (misnaming(row.value.files, blob.value) !== undefined) {
      return { outcome: 'refused', reason: 'not-clean', version: row.value };
    }
    blobs.set(digest, blob);
  }
  return { outcome: 'servable', version: row.value, row, blobs };
}
