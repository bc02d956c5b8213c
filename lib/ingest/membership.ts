import {
  BlobRow,
  everPublished,
  expectationOf,
  isOpen,
  queryAll,
  type Reference,
  ReferenceRow,
  type SetFile,
  SetFileRow,
  settle,
  startingWith,
  type Upload,
  UploadSetRow,
  type Versioned,
} from '../catalog/index.ts';
import { SET_FILE } from '../../events/upload-set/v1.ts';
import type { Digest, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore, Change, ItemKey } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { IngestDeps } from './deps.ts';
import { step, uploadChanges } from './judgedRows.ts';

/** The ready files of one set, or of every set of a version. */
export async function setFiles(
  catalog: CatalogStore,
  model: ModelName,
  version: SemVer,
  set?: string,
): Promise<readonly Versioned<SetFile>[]> {
  const { partition, sort } = SetFileRow.key(model, version, set ?? '', '');
  const prefix = set === undefined ? sort.slice(0, -1) : sort;
  const items = await queryAll(catalog, { partition, ...startingWith(prefix) });
  return items.map((item) => SetFileRow.parse(item));
}

/**
 * The changes that take an upload out of the way: an open one, or a ready one whose set is not published yet. After its
 * publication an upload can no longer be withdrawn, and a quarantined one stays for the record: then there are none.
 * `ending` is the state that it ends in.
 */
export async function withdrawal(
  catalog: CatalogStore,
  upload: Versioned<Upload>,
  ending: Pick<Upload, 'state' | 'quarantine'>,
  now: EpochMs,
): Promise<readonly Change[]> {
  const ended: Upload = { ...upload.value, ...ending, movedAt: now };
  const ends = () => uploadChanges(catalog, upload, ended, step('withdraw-upload'), now);
  if (isOpen(upload.value)) return ends();
  const { state, target, set } = upload.value;
  if (state !== 'ready' || target === undefined || set === undefined) return [];
  const published = await everPublished(catalog, target.model, target.version);
  if (published?.set === set) return [];
  const end = await ends();
  const gate = await UploadSetRow.get(catalog, target.model, target.version, set);
  if (target.file === SET_FILE) {
    return gate === undefined ? [] : [...end, deleteOf(UploadSetRow.key(target.model, target.version, set), gate)];
  }
  const members = await setFiles(catalog, target.model, target.version);
  const member = members.find(
    ({ value }) => value.set === set && value.file === target.file && value.versionId === upload.value.versionId,
  );
  if (member === undefined) return [];
  const changes: Change[] = [
    ...end,
    deleteOf(SetFileRow.key(target.model, target.version, set, target.file), member),
    setGate(gate, target, set),
  ];
  const { digest } = member.value;
  const needed =
    members.some((other) => other !== member && other.value.digest === digest) ||
    (published?.files.some((file) => file.digest === digest) ?? false);
  if (!needed) changes.push(...(await unrefer(catalog, { ...target, digest }, now)));
  return changes;
}

/** A blob that loses its last reference so was never served: its row says since when nobody needs it, and the purge finds it by that. */
async function unrefer(
  catalog: CatalogStore,
  { digest, model, version }: Reference,
  now: EpochMs,
): Promise<readonly Change[]> {
  // Before the references: whoever adds one later writes the blob's row.
  const blob = await BlobRow.get(catalog, digest);
  const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  const references = items.map((item) => ReferenceRow.parse(item));
  const own = references.find(({ value }) => value.model === model && value.version === version);
  if (own === undefined) return [];
  const gone = deleteOf(ReferenceRow.key(digest, model, version), own);
  const other = references.find((one) => one !== own);
  if (other !== undefined) {
    // Two that leave it at once must not each leave it to the other.
    const { value, version: expected } = other;
    const key = ReferenceRow.key(digest, value.model, value.version);
    return [gone, { kind: 'check', key, expect: { version: expected } }];
  }
  if (blob === undefined) return [gone];
  return [gone, BlobRow.put({ ...blob.value, unreferencedAt: now }, expectationOf(blob))];
}

/**
 * Marks a blob that no version refers to, whatever took its last reference, so that its purge finds it; answers whether it had to be.
 * An older release marked none.
 */
export async function markUnreferenced(
  { catalog, clock }: Pick<IngestDeps, 'catalog' | 'clock'>,
  digest: Digest,
): Promise<boolean> {
  return settle(catalog, 'The blob', async () => {
    // Before the references: whoever adds one later writes the blob's row.
    const blob = await BlobRow.get(catalog, digest);
    if (blob === undefined || blob.value.unreferencedAt !== undefined) return { changes: [], answer: false };
    const references = { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') };
    if ((await catalog.query({ ...references, limit: 1 })).items.length > 0) return { changes: [], answer: false };
    const unreferenced = { ...blob.value, unreferencedAt: clock.now() };
    return { changes: [BlobRow.put(unreferenced, expectationOf(blob))], answer: true };
  });
}

/**
 * Every change of a set's membership, and its closing, writes the set's row (or proves that there is none yet): so two of
 * them never pass each other.
 */
export function setGate(
  gate: Awaited<ReturnType<typeof UploadSetRow.get>>,
  target: { readonly model: ModelName; readonly version: SemVer },
  set: string,
): Change {
  if (gate !== undefined) return UploadSetRow.put(gate.value, expectationOf(gate));
  return { kind: 'check', key: UploadSetRow.key(target.model, target.version, set), expect: 'absent' };
}

function deleteOf(key: ItemKey, row: Versioned<unknown>): Change {
  return { kind: 'delete', key, expect: { version: row.version } };
}
